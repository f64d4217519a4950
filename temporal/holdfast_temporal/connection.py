"""Connecting to a Temporal server: address, credentials and timeout."""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from temporalio.client import Client
from temporalio.common import HeaderCodecBehavior
from temporalio.converter import DataConverter
from temporalio.runtime import Runtime
from temporalio.service import GrpcCompression, TLSConfig

from holdfast_workflows.contracts.errors import InsecureConnection, SettingsInvalid, TemporalUnreachable

from .converter import data_converter
from .server import DevServer
from .tls_problems import closed, tls_problem

if TYPE_CHECKING:
    from .encryption.keyring import Keyring

DEFAULT_ADDRESS = "127.0.0.1:7233"
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1", "[::1]"})
_PORTS = range(1, 1 << 16)
_ADDRESS = re.compile(r"(\[[0-9a-fA-F:.%]+\]|[^\s:/@\[\]]+):\d{1,5}")
_STATUS = re.compile(r'code: (\w+), message: "([^"]*)"')
_REFUSED = ("Unauthenticated", "PermissionDenied")
_NO_HOST = "unknown host"
_CLOSED = (": transport error", ": operation was canceled")
_YES = frozenset({"1", "true", "yes", "on"})
_NO = frozenset({"0", "false", "no", "off"})


@dataclass(frozen=True)
class Connection:
    """Where and how to connect.

    ``address`` is ``host:port``; if empty, the embedded server of the folder, else this machine's port 7233.
    ``tls`` is True, False or certificates; None enables TLS exactly if there is an API key. ``keys`` refers to the
    encryption keys, ``file:PATH`` or ``env:NAME``; ``accept_clear`` also reads payloads that are not encrypted.
    """

    address: str = ""
    namespace: str = "default"
    tls: bool | TLSConfig | None = None
    api_key: str | None = None
    keys: str = ""
    accept_clear: bool = False

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None) -> Connection:
        """Read the ``HOLDFAST_…`` variables; SettingsInvalid if a value is not valid or a file not readable.

        ``TEMPORAL_ADDRESS``, ``NAMESPACE``; ``TLS`` (true or false), ``TLS_CA``, ``TLS_CERT``, ``TLS_KEY``
        (PEM files), ``TLS_SERVER_NAME``; ``API_KEY`` or ``API_KEY_FILE``; ``KEYS``, ``ACCEPT_CLEAR``.
        """
        variables = os.environ if environment is None else environment

        def read(name: str) -> str:
            return variables.get(f"HOLDFAST_{name}", "").strip()

        return cls(
            address=read("TEMPORAL_ADDRESS"),
            namespace=read("NAMESPACE") or "default",
            tls=read_tls(
                read("TLS"), read("TLS_CA"), read("TLS_CERT"), read("TLS_KEY"), read("TLS_SERVER_NAME")
            ),
            api_key=read("API_KEY") or read_secret("HOLDFAST_API_KEY_FILE", read("API_KEY_FILE")) or None,
            keys=read("KEYS"),
            accept_clear=read_switch("ACCEPT_CLEAR", read("ACCEPT_CLEAR")),
        )

    def converter(self) -> DataConverter:
        """The data converter of the namespace; it encrypts if there are keys.

        Raises:
            KeysInvalid: The keys cannot be used.
        """
        keyring = self.keyring()
        if keyring is None:
            return data_converter
        from .encryption.codec import encrypted

        return encrypted(data_converter, keyring, self.namespace, accept_clear=self.accept_clear)

    def keyring(self) -> Keyring | None:
        """The encryption keys; None without.

        Raises:
            KeysInvalid: They cannot be used.
        """
        if not self.keys:
            return None
        from .encryption.keyring import Keyring  # not loaded without keys

        return Keyring(self.keys)


def read_switch(name: str, text: str) -> bool:
    """The value of a variable that is true, false or empty (false)."""
    if text.lower() not in _YES | _NO | {""}:
        raise SettingsInvalid(f"HOLDFAST_{name} is {text!r}; use true or false")
    return text.lower() in _YES


def read_tls(
    switch: str = "", ca: str = "", cert: str = "", key: str = "", server_name: str = ""
) -> bool | TLSConfig | None:
    """TLS settings from a switch (``true``, ``false`` or empty) and the paths of PEM files."""
    if switch.lower() in _NO:
        return False
    if switch and switch.lower() not in _YES:
        raise SettingsInvalid(f"HOLDFAST_TLS is {switch!r}; use true or false")
    if bool(cert) != bool(key):
        raise SettingsInvalid("HOLDFAST_TLS_CERT and HOLDFAST_TLS_KEY belong together; set both or none")
    if ca or cert or key or server_name:
        return TLSConfig(
            server_root_ca_cert=_file("HOLDFAST_TLS_CA", ca) or None,
            client_cert=_file("HOLDFAST_TLS_CERT", cert) or None,
            client_private_key=_file("HOLDFAST_TLS_KEY", key) or None,
            domain=server_name or None,
        )
    return True if switch else None


def read_secret(variable: str, path: str) -> str:
    """The stripped content of a file; empty without a path. SettingsInvalid, with the variable, if unreadable."""
    return _file(variable, path).decode()


async def connect(
    address: str | None = None,
    *,
    namespace: str | None = None,
    tls: bool | TLSConfig | None = None,
    api_key: str | None = None,
    settings: Connection | None = None,
    folder: Path | str | None = None,
    identity: str | None = None,
    runtime: Runtime | None = None,
    within: float = 5.0,
) -> Client:
    """Connect a Temporal client with Holdfast's data converter.

    Arguments override ``settings``, which default to the environment; see ``Connection``. ``folder`` is the
    embedded server's (default: ``HOLDFAST_HOME``, else ``.holdfast``), ``identity`` the client's name in
    histories, ``within`` the seconds to wait for an answer.

    Raises:
        TemporalUnreachable: The server did not answer in time.
        InsecureConnection: An API key with TLS off, to another machine.
        KeysInvalid: The encryption keys cannot be used.
        SettingsInvalid: The address is not host:port, a variable of the environment is invalid, or TLS is not as
            the server has it.
    """
    defaults = settings or Connection.from_environment()
    target = address or defaults.address or await asyncio.to_thread(_embedded, folder) or DEFAULT_ADDRESS
    if not _ADDRESS.fullmatch(target) or int(target.rpartition(":")[2]) not in _PORTS:
        raise SettingsInvalid(
            f"HOLDFAST_TEMPORAL_ADDRESS, or --address: {target!r} is not host:port, such as {DEFAULT_ADDRESS}"
        )
    key, local = api_key or defaults.api_key, is_local(target)
    secure = defaults.tls if tls is None else tls
    if key and secure is False and not local:
        raise InsecureConnection(target)
    defaults = replace(defaults, namespace=namespace or defaults.namespace)
    try:
        return await asyncio.wait_for(
            Client.connect(
                target,
                namespace=defaults.namespace,
                data_converter=await asyncio.to_thread(defaults.converter),
                header_codec_behavior=HeaderCodecBehavior.CODEC,  # nothing happens without a codec
                tls=secure,
                api_key=key,
                identity=identity,
                runtime=runtime,
                connect_timeout=timedelta(seconds=within),
                # On one machine bytes are cheaper than the time to compress them.
                grpc_compression=GrpcCompression.NONE if local else GrpcCompression.GZIP,
            ),
            within,
        )
    except (RuntimeError, TimeoutError) as error:  # the SDK raises RuntimeError
        if invalid := tls_problem(str(error), target):
            raise SettingsInvalid(invalid) from error
        reason = _reason(error, within)
        if reason.endswith(_CLOSED):
            reason = closed(secure if secure is not None else bool(key))
        # A server may start later, but a retry does not help with an unknown host or a wrong key.
        final = reason == _NO_HOST or reason.startswith(_REFUSED)
        raise TemporalUnreachable(f"{target}: {reason}", retryable=False if final else None) from error


def is_local(address: str) -> bool:
    """Whether ``host:port`` is on this machine."""
    return address.rpartition(":")[0] in _LOOPBACK


def _reason(error: Exception, within: float) -> str:
    text = str(error)
    if isinstance(error, TimeoutError) or "deadline" in text:
        return f"no answer in {within:g} s"
    if "dns error" in text:
        return _NO_HOST
    if status := _STATUS.search(text):
        return f"{status[1]}: {status[2]}"
    return "connection refused" if "ConnectionRefused" in text else text.partition("\n")[0][:300]


def _embedded(folder: Path | str | None) -> str:
    found = DevServer.find(folder)
    return found.address if found else ""


def _file(variable: str, path: str) -> bytes:
    if not path:
        return b""
    try:
        return Path(path).read_bytes().strip()
    except OSError as error:
        raise SettingsInvalid(f"{variable} names {path}, which cannot be read: {error.strerror}") from error
