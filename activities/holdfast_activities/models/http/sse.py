"""Server-sent events, parsed from bytes that arrive in any pieces."""

_FIELDS = (b"data", b"event", b"error", b"id", b"retry", b":")


class ErrorEvent(bytes):
    """The data of an event whose name, or the name of whose field, says that it is an error."""


def is_stream(head: bytes) -> bool | None:
    """Whether a body that begins with ``head`` is a stream of events; None while it is too short to tell."""
    head = head.lstrip(b"\xef\xbb\xbf \t\r\n")
    if head.startswith(_FIELDS):
        return True
    return None if any(field.startswith(head) for field in _FIELDS) else False


class Events:
    """A parser of events; ``pending`` is the beginning of an incomplete event.

    Lines may end in LF, CRLF or CR. Comments and fields other than ``data`` are ignored,
    since both wire formats repeat an event's name in its data; only errors may show in a
    name or a field alone. An event without the blank line that ends it was cut off.
    """

    def __init__(self) -> None:
        """No bytes yet."""
        self.pending = b""
        self._started = False

    def feed(self, data: bytes) -> list[bytes]:
        """The data of the events that these bytes complete."""
        data = self.pending + data
        if not self._started and len(data) >= 3:
            self._started = True
            data = data.removeprefix(b"\xef\xbb\xbf")
        last = b""
        if b"\r" in data:
            # A CR at the end may be the first half of a CRLF.
            if data.endswith(b"\r"):
                data, last = data[:-1], b"\r"
            data = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        *whole, rest = data.split(b"\n\n")
        self.pending = rest + last
        return [data for data in map(_data, whole) if data]

    def rest(self) -> bytes:
        """The data of an event without its blank line; the caller checks whether it is complete."""
        return _data(self.pending.replace(b"\r", b"\n").strip(b"\n"))


def _data(event: bytes) -> bytes:
    if event.startswith(b"data: ") and b"\n" not in event:
        return event[6:]
    values: list[bytes] = []
    failed = False
    for line in event.split(b"\n"):
        name, _, value = line.partition(b":")
        if name in {b"data", b"error"}:
            values.append(value.removeprefix(b" "))
        failed = failed or name == b"error" or (name == b"event" and value.strip() == b"error")
    data = b"\n".join(values)
    return ErrorEvent(data) if failed else data
