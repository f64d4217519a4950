from hypothesis import given
from hypothesis import strategies as st

from holdfast_activities.models.http.sse import Events

_LINE = st.text(st.characters(codec="utf-8", exclude_characters="\r\n"), max_size=20)
_ENDINGS = st.sampled_from(["\n", "\r\n", "\r"])


@st.composite
def streams(draw: st.DrawFn) -> tuple[bytes, list[bytes]]:
    """A stream of events as a server may write it, and the data in it."""
    ending = draw(_ENDINGS)
    events = draw(st.lists(st.lists(_LINE, min_size=1, max_size=3), max_size=6))
    text = draw(st.sampled_from(["", "\ufeff", ": welcome" + ending * 2]))
    for lines in events:
        text += draw(st.sampled_from(["", f": comment{ending}", f"event: named{ending}", f"id: 1{ending}"]))
        space = draw(st.sampled_from([" ", ""]))
        text += "".join(f"data:{space}{line}{ending}" for line in lines) + ending
        text += draw(st.sampled_from(["", ending]))
        # Without a space of its own, the first one of the line is the one that is taken off.
        if not space:
            lines[:] = [line.removeprefix(" ") for line in lines]
    return text.encode(), [data for lines in events if (data := "\n".join(lines).encode())]


@given(streams(), st.data())
def test_events_are_the_same_however_their_bytes_arrive(
    stream: tuple[bytes, list[bytes]], data: st.DataObject
) -> None:
    raw, expected = stream
    places = data.draw(st.lists(st.integers(0, len(raw)), max_size=10).map(sorted))
    events = Events()
    found: list[bytes] = []
    for start, end in zip([0, *places], [*places, len(raw)], strict=True):
        found += events.feed(raw[start:end])
    # A CR at the very end may be half of a CRLF, so what it ends is given with the next bytes.
    found += events.feed(b"\n")
    assert found == expected


@given(streams())
def test_events_are_the_same_byte_by_byte(stream: tuple[bytes, list[bytes]]) -> None:
    raw, expected = stream
    events = Events()
    found = [event for byte in raw for event in events.feed(bytes([byte]))] + events.feed(b"\n")
    assert found == expected


def test_an_event_without_its_blank_line_is_never_given() -> None:
    events = Events()
    assert events.feed(b'data: {"half": ') == []
    assert events.feed(b"true}\n") == []
    assert events.feed(b"\n") == [b'{"half": true}']
