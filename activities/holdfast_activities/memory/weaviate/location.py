"""Where a Weaviate server is, from its URL."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from holdfast_workflows.contracts.errors import BadInput
from holdfast_workflows.contracts.text.nearest import no_such

NAME = "HoldfastMemory"
KEY_VARIABLE = "WEAVIATE_API_KEY"
_NAME = re.compile(r"[A-Z][A-Za-z0-9]{0,59}")
_OPTIONS = ("grpc", "secure", "api_key_env", "api_key_file")
_NEAR = ("localhost", "127.0.0.1", "::1")


@dataclass(frozen=True, slots=True)
class Location:
    """A Weaviate server, and what our collections on it are called.

    Attributes:
        host: Of its HTTP interface.
        port: Of its HTTP interface.
        grpc_host: Of its gRPC interface.
        grpc_port: Of its gRPC interface.
        secure: Whether both speak TLS.
        name: The alias that the memories are reached by; two that share a server take two names.
        api_key: Empty where anybody is let in.
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

    The port is 8080 by default, or 443 with TLS; the name is ``HoldfastMemory``. Options:

    - ``grpc``: ``port`` or ``host:port`` of the gRPC interface. By default port 50051 of the same host; at
      Weaviate Cloud port 443 of the host that belongs to it.
    - ``secure``: ``true`` for TLS. By default no, and yes for Weaviate Cloud.
    - ``api_key_env``: the variable that holds the API key, instead of ``WEAVIATE_API_KEY``.
    - ``api_key_file``: the file that holds it.

    Args:
        url: The URL.
        environ: Where the API key is looked up.

    Raises:
        BadInput: It is no such URL, the key is not where it should be, or the key would travel unencrypted
            to another machine without ``secure=false`` saying that this is meant.
    """
    parts = _split(url)
    options = _options(parts)
    host, port = _host(parts.netloc)
    cloud = _cloud(host)
    said = options.get("secure", "").lower()
    if said not in ("", "true", "false"):
        raise BadInput("secure is true or false")
    secure = said == "true" if said else bool(cloud)
    grpc_host, grpc_port = _grpc(options.get("grpc", ""))
    name = unquote(parts.path.strip("/")) or NAME
    if not _NAME.fullmatch(name):
        raise BadInput(
            f"{name!r} is no name for memories: a capital letter, then letters and digits, 60 at most"
        )
    api_key = _api_key(options, environ)
    if api_key and not said and not secure and host not in _NEAR:
        raise BadInput(
            "the API key would travel unencrypted; add secure=true, or secure=false if that is meant"
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
        raise BadInput("HTTP and gRPC have two ports, or two hosts; name the other one by grpc=")
    return location


def _split(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
    except ValueError:
        raise BadInput("the memory URL is none; write weaviate://host:port") from None
    if parts.scheme != "weaviate":
        raise BadInput(f"no Weaviate server is at {parts.scheme or 'nowhere'}:; write weaviate://host:port")
    if "@" in parts.netloc:
        raise BadInput(f"a URL is shown and logged; give the API key by {KEY_VARIABLE} or api_key_file=")
    return parts


def _options(parts: SplitResult) -> dict[str, str]:
    options = dict(parse_qsl(parts.query, keep_blank_values=True))
    if unknown := sorted(set(options) - set(_OPTIONS)):
        raise BadInput(f"the memory URL: {no_such('option', unknown, _OPTIONS)}")
    if parts.fragment:
        raise BadInput(f"the memory URL has no option #; it has {', '.join(_OPTIONS)}")
    return options


def _host(netloc: str) -> tuple[str, int]:
    try:
        parts = urlsplit(f"//{netloc}")
        host, port = parts.hostname, parts.port
    except ValueError:
        raise BadInput(f"{netloc!r} is no host and port") from None
    if not host or port == 0:
        raise BadInput("the memory URL names no host and port; write weaviate://host:port")
    return host, port or 0


def _grpc(text: str) -> tuple[str, int]:
    if text.isdecimal() and 0 < int(text) < 65_536:
        return "", int(text)
    return _host(text) if text else ("", 0)


def _cloud(host: str) -> str:
    """Where the gRPC interface of a cluster of Weaviate Cloud is; empty for any other server."""
    if host.endswith(".weaviate.network"):
        cluster, _, domain = host.partition(".")
        return f"{cluster}.grpc.{domain}"
    return f"grpc-{host}" if host.endswith(".weaviate.cloud") else ""


def _api_key(options: Mapping[str, str], environ: Mapping[str, str]) -> str:
    variable, path = options.get("api_key_env", ""), options.get("api_key_file", "")
    if variable and path:
        raise BadInput("the API key comes from api_key_env or from api_key_file, not from both")
    if path:
        try:
            key = Path(path).read_text("utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise BadInput(f"the API key cannot be read from {path}: {type(error).__name__}") from None
    else:
        key = environ.get(variable or KEY_VARIABLE, "").strip()
    if (variable or path) and not key:
        raise BadInput(f"no API key is in {variable or path}")
    return key
