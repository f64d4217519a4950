"""Parse the URL of a Weaviate server."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from holdfast_workflows.contracts.errors import BadInput
from holdfast_workflows.contracts.text.nearest import no_such
from holdfast_workflows.contracts.text.redaction import learn

NAME = "HoldfastMemory"
KEY_VARIABLE = "WEAVIATE_API_KEY"
_NAME = re.compile(r"[A-Z][A-Za-z0-9]{0,59}")
_OPTIONS = ("grpc", "secure", "api_key_env", "api_key_file")
_NEAR = ("localhost", "127.0.0.1", "::1")


@dataclass(frozen=True, slots=True)
class Location:
    """A Weaviate server. ``host`` and ``port`` are of its HTTP interface.

    Attributes:
        secure: TLS for both interfaces.
        name: The alias of the memories; stores that share a server need different names.
        api_key: Empty if the server needs none.
    """

    host: str
    port: int
    grpc_host: str
    grpc_port: int
    secure: bool = False
    name: str = NAME
    api_key: str = field(default="", repr=False)


def parse(url: str, environ: Mapping[str, str] = os.environ) -> Location:
    """Read a memory URL: ``weaviate://host:port/Name?option=value&…``.

    The default port is 8080, or 443 with TLS. The default name is ``HoldfastMemory``. Options:

    - ``grpc``: ``port`` or ``host:port`` of the gRPC interface. Default: port 50051 of the same host; for Weaviate
      Cloud, port 443 of the cluster's gRPC host.
    - ``secure``: ``true`` for TLS. Default: ``false``; for Weaviate Cloud, ``true``.
    - ``api_key_env``: the variable with the API key, instead of ``WEAVIATE_API_KEY``.
    - ``api_key_file``: the file with the API key.

    Raises:
        BadInput: The URL is invalid, the key is missing, or the key would be sent unencrypted to another machine
            without an explicit ``secure=false``.
    """
    parts = _split(url)
    options = _options(parts)
    host, port = _host(parts.netloc)
    cloud = _cloud(host)
    stated = options.get("secure", "").lower()
    if stated not in ("", "true", "false"):
        raise BadInput(f"secure={stated!r} is not valid. Use true or false")
    secure = stated == "true" if stated else bool(cloud)
    grpc_host, grpc_port = _grpc(options.get("grpc", ""))
    name = unquote(parts.path.strip("/")) or NAME
    if not _NAME.fullmatch(name):
        raise BadInput(
            f"{name!r} is not a valid name. Use a capital letter, then letters and digits, 60 at most"
        )
    api_key = _api_key(options, environ)
    if api_key and not stated and not secure and host not in _NEAR:
        raise BadInput(
            "the API key would be sent unencrypted. Add secure=true, or secure=false if that is intended"
        )
    location = Location(
        host=host,
        port=port or (443 if secure else 8080),
        grpc_host=grpc_host or cloud or host,
        grpc_port=grpc_port or (443 if cloud else 50051),
        secure=secure,
        name=name,
        api_key=api_key,
    )
    if (location.host, location.port) == (location.grpc_host, location.grpc_port):
        raise BadInput("HTTP and gRPC have the same host and port. Set the port of gRPC with grpc=")
    return location


def _split(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
    except ValueError:
        raise BadInput("the memory URL is not valid. Use weaviate://host:port") from None
    if parts.scheme != "weaviate":
        raise BadInput(f"the scheme {parts.scheme!r} is not weaviate. Use weaviate://host:port")
    if "@" in parts.netloc:
        raise BadInput(
            f"the memory URL has credentials, but it is logged. Use {KEY_VARIABLE} or api_key_file="
        )
    return parts


def _options(parts: SplitResult) -> dict[str, str]:
    options = dict(parse_qsl(parts.query, keep_blank_values=True))
    if unknown := sorted(set(options) - set(_OPTIONS)):
        raise BadInput(f"the memory URL: {no_such('option', unknown, _OPTIONS)}")
    if parts.fragment:
        raise BadInput("the memory URL has a fragment (#). Remove it")
    return options


def _host(netloc: str) -> tuple[str, int]:
    try:
        parts = urlsplit(f"//{netloc}")
        host, port = parts.hostname, parts.port
    except ValueError:
        raise BadInput(f"{netloc!r} is not a host and port") from None
    if not host or port == 0:
        raise BadInput("the memory URL has no valid host and port. Use weaviate://host:port")
    return host, port or 0


def _grpc(text: str) -> tuple[str, int]:
    if text.isdecimal() and 0 < int(text) < 65_536:
        return "", int(text)
    return _host(text) if text else ("", 0)


def _cloud(host: str) -> str:
    """Return the gRPC host of a Weaviate Cloud cluster; empty for other servers."""
    if host.endswith(".weaviate.network"):
        cluster, _, domain = host.partition(".")
        return f"{cluster}.grpc.{domain}"
    return f"grpc-{host}" if host.endswith(".weaviate.cloud") else ""


def _api_key(options: Mapping[str, str], environ: Mapping[str, str]) -> str:
    variable, path = options.get("api_key_env", ""), options.get("api_key_file", "")
    if variable and path:
        raise BadInput("api_key_env and api_key_file are both set. Use one of them")
    if path:
        try:
            key = Path(path).read_text("utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise BadInput(f"the API key cannot be read from {path}: {type(error).__name__}") from None
    else:
        key = environ.get(variable or KEY_VARIABLE, "").strip()
    if (variable or path) and not key:
        raise BadInput(f"{variable or path} has no API key")
    learn(key, "memory-key")
    return key
