"""TLS to the Temporal server: what works, and which setting an error names."""

from __future__ import annotations

from pathlib import Path

import pytest

from holdfast_temporal import DevServer, connect
from holdfast_temporal.connection import Connection
from holdfast_workflows.contracts.errors import SettingsInvalid, TemporalUnreachable
from tests.tls_server import TlsServer, tls_server


def settings(server: TlsServer, **changes: str) -> Connection:
    variables = {
        "temporal_address": server.address,
        "tls_ca": server.ca,
        "tls_cert": server.cert,
        "tls_key": server.key,
        **changes,
    }
    return Connection.from_environment({f"HOLDFAST_{name.upper()}": text for name, text in variables.items()})


async def test_a_client_with_a_certificate_reaches_a_server_that_requires_one(
    server: DevServer, tmp_path: Path
) -> None:
    async with tls_server(server.address, tmp_path, client_certificates=True) as safe:
        await connect(settings=settings(safe))
        with pytest.raises(TemporalUnreachable, match="set HOLDFAST_TLS_CERT and HOLDFAST_TLS_KEY") as closed:
            await connect(settings=settings(safe, tls_cert="", tls_key=""))
        assert closed.value.retryable


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"tls_ca": "", "tls": "true"}, "HOLDFAST_TLS_CA: the certificate of .* is from another authority"),
        ({"tls_key": "junk"}, "HOLDFAST_TLS_KEY: the file holds no private key"),
        ({"tls_cert": "junk"}, "HOLDFAST_TLS_CERT: the file holds no certificate"),
        ({"tls_cert": "ca"}, "HOLDFAST_TLS_KEY: the file is not the key of HOLDFAST_TLS_CERT"),
        ({"tls_cert": ""}, "HOLDFAST_TLS_CERT and HOLDFAST_TLS_KEY belong together"),
    ],
)
async def test_an_error_of_tls_names_the_setting(
    server: DevServer, tmp_path: Path, changes: dict[str, str], says: str
) -> None:
    (tmp_path / "junk").write_text("junk")
    async with tls_server(server.address, tmp_path) as safe:
        files = {"junk": str(tmp_path / "junk"), "ca": safe.ca}
        with pytest.raises(SettingsInvalid, match=says):
            await connect(
                settings=settings(safe, **{name: files.get(file, file) for name, file in changes.items()})
            )


async def test_a_certificate_for_another_name_is_reported_with_that_name(
    server: DevServer, tmp_path: Path
) -> None:
    async with tls_server(server.address, tmp_path, name="far.example") as safe:
        with pytest.raises(SettingsInvalid, match=r"HOLDFAST_TLS_SERVER_NAME: .* set it to far\.example"):
            await connect(settings=settings(safe))
        await connect(settings=settings(safe, tls_server_name="far.example"))


async def test_tls_on_one_side_only_is_reported(server: DevServer, tmp_path: Path) -> None:
    with pytest.raises(SettingsInvalid, match=f"HOLDFAST_TLS: {server.address} answers without TLS"):
        await connect(server.address, tls=True)
    async with tls_server(server.address, tmp_path) as safe:
        with pytest.raises(TemporalUnreachable, match="set HOLDFAST_TLS=true"):
            await connect(safe.address, tls=False)
