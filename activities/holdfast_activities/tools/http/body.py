"""Bodies of responses: read and decompressed up to a limit, and converted to text."""

import codecs
import zlib
from collections.abc import AsyncIterable
from dataclasses import dataclass
from typing import Final

ACCEPTED: Final = "gzip, deflate"

_CHARSETS: Final = frozenset(
    [
        "utf-8",
        "ascii",
        "utf-16",
        "utf-16-le",
        "utf-16-be",
        "iso8859-1",
        "iso8859-2",
        "iso8859-15",
        "cp1250",
        "cp1251",
        "cp1252",
        "cp1253",
        "koi8-r",
        "shift_jis",
        "euc_jp",
        "iso2022_jp",
        "gbk",
        "gb2312",
        "gb18030",
        "big5",
        "euc_kr",
    ]
)
_TEXT: Final = (
    "text/",
    "application/json",
    "application/xml",
    "application/javascript",
    "application/x-www-form",
)
_SNIFFED: Final = 1_000


@dataclass(frozen=True, slots=True)
class Body:
    """The bytes that were read; ``cut`` says why there may be more."""

    data: bytes
    cut: str = ""


class Decoder:
    """Decompresses one content coding, never beyond a limit."""

    def __init__(self, coding: str) -> None:
        """Raises ValueError for codings other than gzip and deflate, and for several of them."""
        coding = coding.strip().lower()
        if coding not in ("", "identity", "gzip", "x-gzip", "deflate"):
            raise ValueError(f"content-encoding {coding[:40]!r} is not supported")
        self._zlib = (
            None if coding in ("", "identity") else zlib.decompressobj(47)
        )  # gzip or zlib, by its header

    def decode(self, data: bytes, most: int) -> bytes:
        """Decode a piece to at most ``most`` bytes."""
        return data[:most] if self._zlib is None else self._zlib.decompress(data, most) if most else b""


async def read(chunks: AsyncIterable[bytes], coding: str, most: int) -> Body:
    """Read at most ``most`` bytes after decompression, and as many before it."""
    data, received = bytearray(), 0
    try:
        decoder = Decoder(coding)
        async for chunk in chunks:
            received += len(chunk)
            # One byte more shows that there is more.
            data += decoder.decode(chunk, most + 1 - len(data))
            if len(data) > most or received > most:
                return Body(bytes(data[:most]), f"only the first {min(len(data), most):,} bytes were read")
    except (zlib.error, ValueError) as error:
        return Body(bytes(data[:most]), f"the body cannot be decompressed: {error}")
    return Body(bytes(data))


def as_text(body: Body, content_type: str) -> str:
    """The body for the model; binary data is only described."""
    kind, _, options = content_type.lower().partition(";")
    kind = kind.strip()
    textual = (
        kind.startswith(_TEXT)
        or kind.endswith(("+json", "+xml"))
        or (not kind and b"\0" not in body.data[:_SNIFFED])
    )
    if body.data and not textual:
        return f"[{len(body.data):,} bytes of {kind or 'binary data'}, which are not shown]"
    return body.data.decode(_charset(options), "replace")


def _charset(options: str) -> str:
    """The charset that a content type names, if it is a plain text encoding."""
    named = options.partition("charset=")[2].partition(";")[0].strip(" \"'")
    try:
        found = codecs.lookup(named).name if named else "utf-8"
    except (LookupError, ValueError):
        return "utf-8"
    return found if found in _CHARSETS else "utf-8"
