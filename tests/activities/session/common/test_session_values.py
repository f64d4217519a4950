"""Values that tools keep: versions, retried calls, limits, erasure."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from holdfast_activities.session.common.session_values import offer
from holdfast_activities.state import State, open_state
from holdfast_workflows.contracts.errors import BadInput, VersionConflict
from holdfast_workflows.contracts.tools.session_values import OPENER, SessionValue, SessionValues


@pytest.fixture
async def state(tmp_path: Path) -> AsyncIterator[State]:
    state = await open_state(f"sqlite:///{tmp_path}/state.db")
    yield state
    await state.close()


def of_call(state: State, call: str, session: str = "s") -> SessionValues:
    """The values as one attempt at a call sees them."""
    offer(state.boards)
    opener = OPENER.get()
    assert opener is not None
    return SessionValues(opener(session, "acme", "clerk", call))


async def test_a_value_is_kept_for_later_calls_of_the_session_only(state: State) -> None:
    cart = {"apples": 2, "note": "a\x00b"}
    assert await of_call(state, "c1").get("cart", default={}) == {}
    assert await of_call(state, "c1").write("cart", cart, version=0) == SessionValue("cart", cart, 1)
    later = of_call(state, "c2")
    assert await later.read("cart") == SessionValue("cart", cart, 1)
    assert await later.keys() == ("cart",)
    assert await of_call(state, "c3", "other").get("cart") is None


async def test_a_stale_writer_gets_a_version_conflict(state: State) -> None:
    await of_call(state, "c1").write("n", 1, version=0)
    await of_call(state, "c2").write("n", 2, version=1)
    with pytest.raises(VersionConflict, match="'n' is at version 2, not at 1"):
        await of_call(state, "c3").write("n", 3, version=1)
    assert await of_call(state, "c3").get("n") == 2


async def test_an_update_is_repeated_after_a_faster_one(state: State) -> None:
    faster = of_call(state, "faster")
    slower = of_call(state, "slower")
    tries: list[int] = []

    def add(value: int) -> int:
        tries.append(value)
        return value + 1

    read = slower._store.read

    async def overtaken(key: str) -> SessionValue:
        found = await read(key)
        if not tries:
            await faster.write(key, 10, version=0)
        return found

    slower._store.read = overtaken  # type: ignore[method-assign]
    assert await slower.update("n", add, default=0) == 11
    assert tries == [0, 10]


async def test_a_retried_call_counts_once(state: State) -> None:
    async def attempt() -> list[int]:
        values = of_call(state, "c1")
        return [await values.update("n", lambda n: n + 1, default=0) for _ in range(2)]

    assert await attempt() == [1, 2]
    assert await attempt() == [1, 2]
    assert await of_call(state, "c2").get("n") == 2


async def test_none_removes_a_value(state: State) -> None:
    values = of_call(state, "c1")
    await values.write("n", 1, version=0)
    await values.write("n", None, version=1)
    assert await values.get("n", default="gone") == "gone"
    assert await values.keys() == ()


@pytest.mark.parametrize(("key", "value"), [("no spaces", 1), ("", 1), ("n", {1, 2}), ("n", "x" * 65_536)])
async def test_what_cannot_be_stored_is_refused(state: State, key: str, value: object) -> None:
    with pytest.raises(BadInput):
        await of_call(state, "c1").write(key, value, version=0)


async def test_an_erased_session_has_no_values(state: State) -> None:
    await state.open_session("s", "clerk", "d", "acme")
    await of_call(state, "c1").write("n", 1, version=0)
    await state.erasing.session("s", 1.0)
    assert await of_call(state, "c2").get("n") is None
