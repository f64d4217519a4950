"""What the SDK's errors about TLS mean, and which setting mends them. The SDK reports them as text only."""

from __future__ import annotations

import re
from typing import Final

from temporalio.service import TLSConfig

_PROBLEMS: Final = (
    ("InvalidContentType", "HOLDFAST_TLS: {0} answers without TLS; set it to false"),
    (
        "InvalidCertificate(UnknownIssuer",
        "HOLDFAST_TLS_CA: the certificate of {0} is from another authority; set it to that authority's PEM file",
    ),
    (
        "InvalidCertificate(NotValidForName",
        "HOLDFAST_TLS_SERVER_NAME: the certificate of {0} is for another name; set it to {1}",
    ),
    (
        "InvalidCertificate(",
        "HOLDFAST_TLS_CA: the certificate of {0} is not valid; the server needs a new one",
    ),
    ("PrivateKeyParseError", "HOLDFAST_TLS_KEY: the file holds no private key in PEM format"),
    ("NoCertificatesPresented", "HOLDFAST_TLS_CERT: the file holds no certificate in PEM format"),
    ("KeyMismatch", "HOLDFAST_TLS_KEY: the file is not the key of HOLDFAST_TLS_CERT"),
)
_NAME: Final = re.compile(r'DnsName\(\\?"([^"\\]+)')


def tls_problem(error: str, address: str) -> str:
    """The setting that a connection's error is about, with the remedy; empty if it is about none."""
    name = _NAME.search(error)
    for words, message in _PROBLEMS:
        if words in error:
            return message.format(address, name[1] if name else "the name in the certificate")
    return ""


def closed(tls: bool | TLSConfig | None) -> str:
    """What to try when the server closes the connection without an answer, as it does for several reasons."""
    if not tls:
        return "it closed the connection; if it requires TLS, set HOLDFAST_TLS=true"
    return "it closed the connection; if it requires a client certificate, set HOLDFAST_TLS_CERT and HOLDFAST_TLS_KEY"
