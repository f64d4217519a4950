"""Content of the state database under keys, on both databases."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Protocol

import pytest
from sqlmodel import col, select, update

from holdfast_activities.state import State, open_state, upgrade
from holdfast_activities.state.encryption.cipher import KeyCipher, cipher_of
from holdfast_activities.state.encryption.reencryption import Reencryption
from holdfast_activities.state.setup.tables import LogTable
from holdfast_temporal.encryption.keyring import Keyring
from holdfast_workflows.contracts.errors import (
    ClearRefused,
    DecryptionFailed,
    EncryptionError,
    KeysMissing,
    KeyUnknown,
)
from holdfast_workflows.contracts.operations.resets import AsideInput, aside
from holdfast_workflows.contracts.session.entries import UserEntry
from tests.activities.state.test_migrations import run
from tests.temporal.encryption.keys import write_keys

from .contents import CANARY, raw, read_everything, write_everything


@pytest.fixture
def keys(tmp_path: Path) -> Keyring:
    write_keys(tmp_path / "keys", "k1")
    return Keyring(f"file:{tmp_path / 'keys'}")


class Opened(Protocol):
    """Opens the database; the fixture closes it."""

    async def __call__(self, keys: Keyring | None, *, accept_clear: bool = False) -> State: ...


@pytest.fixture
async def opened(empty_url: str) -> AsyncIterator[Opened]:
    await upgrade(empty_url)
    async with AsyncExitStack() as stack:

        async def open_(keys: Keyring | None, *, accept_clear: bool = False) -> State:
            state = await open_state(empty_url, cipher=cipher_of(keys, accept_clear=accept_clear))
            stack.push_async_callback(state.close)
            return state

        yield open_


async def written(opened: Opened, keys: Keyring | None) -> None:
    """Write everything to the database."""
    await write_everything(await opened(keys), "s1")


async def rewrite(state: State, keys: Keyring) -> tuple[int, int]:
    """Encrypt everything again; return how many rows were rewritten and how many are unreadable."""
    done = [each async for each in again(state, keys).run()]
    return sum(each.rewritten for each in done), sum(each.unreadable for each in done)


def again(state: State, keys: Keyring) -> Reencryption:
    return state.reencryption(KeyCipher(keys, accept_clear=True))


@pytest.mark.parametrize("encrypted", [True, False])
async def test_no_content_is_stored_in_the_clear_with_keys(
    opened: Opened, empty_url: str, keys: Keyring, encrypted: bool
) -> None:
    await written(opened, keys if encrypted else None)
    state = await opened(keys if encrypted else None)
    texts = await read_everything(state, "s1")
    assert len(texts) == 15
    assert all(CANARY in text for text in texts)
    assert (CANARY in await raw(empty_url)) is not encrypted


async def test_content_without_the_keys_says_which_setting_is_missing(opened: Opened, keys: Keyring) -> None:
    await written(opened, keys)
    state = await opened(None)
    reads = (
        state.log.read("s1", 0),
        state.load_text("s1", "t1"),
        state.load_turns("s1"),
        state.load_spec("d1"),
    )
    for read in reads:
        with pytest.raises(KeysMissing, match="HOLDFAST_KEYS"):
            await read


async def test_an_encrypted_entry_after_a_clear_one_says_which_setting_is_missing(
    opened: Opened, keys: Keyring
) -> None:
    for seq, ring in ((1, None), (2, keys)):
        state = await opened(ring)
        await state.log.settle("s1", [UserEntry(seq=seq, text="x")])
        state = await opened(None)
    with pytest.raises(KeysMissing):
        await state.log.read("s1", 0)


async def test_content_of_another_key_names_the_key(opened: Opened, keys: Keyring, tmp_path: Path) -> None:
    await written(opened, keys)
    write_keys(tmp_path / "other", "k2")
    state = await opened(Keyring(f"file:{tmp_path / 'other'}"))
    with pytest.raises(KeyUnknown, match="'k1'"):
        await state.log.read("s1", 0)


async def test_clear_content_is_refused_unless_the_setting_accepts_it(opened: Opened, keys: Keyring) -> None:
    await written(opened, None)
    state = await opened(keys)
    with pytest.raises(ClearRefused, match="HOLDFAST_ACCEPT_CLEAR"):
        await state.log.read("s1", 0)
    state = await opened(keys, accept_clear=True)
    assert all(CANARY in text for text in await read_everything(state, "s1"))


async def test_content_that_was_copied_to_another_row_does_not_decrypt(
    opened: Opened, empty_url: str, keys: Keyring
) -> None:
    await written(opened, keys)
    state = await opened(keys)
    await state.log.settle("s2", [UserEntry(seq=1, text="mine")])
    await run(
        empty_url,
        "UPDATE holdfast_log SET body = (SELECT body FROM holdfast_log WHERE session = 's1' AND seq = 1)"
        " WHERE session = 's2'",
    )
    with pytest.raises(DecryptionFailed):
        await state.log.read("s2", 0)


async def test_the_first_entry_of_a_number_stays_with_keys_too(opened: Opened, keys: Keyring) -> None:
    state = await opened(keys)
    first = UserEntry(seq=1, text="first")
    assert await state.log.settle("s1", [first]) == [first]
    assert await state.log.settle("s1", [first, UserEntry(seq=2, text="new")]) == [
        first,
        UserEntry(seq=2, text="new"),
    ]
    assert await state.log.settle("s1", [UserEntry(seq=1, text="late")]) == [first]


async def test_entries_that_a_reset_set_aside_stay_readable(opened: Opened, keys: Keyring) -> None:
    state = await opened(keys)
    await state.log.settle("s1", [UserEntry(seq=seq, turn=seq, text=CANARY) for seq in (1, 2, 3)])
    result = await state.resets.set_aside(AsideInput(session="s1", seq=2, turn=2))
    assert (result.logs, result.turns, result.seq) == (1, 3, 4)
    assert [entry.seq for entry in await state.log.read(aside("s1", 1), 0)] == [2, 3]


@pytest.mark.parametrize("text", ["enc:1:k1:AAAA", "enc:0:x", "enc:"])
async def test_text_that_looks_encrypted_is_read_as_it_was_written(opened: Opened, text: str) -> None:
    state = await opened(None)
    await state.effects.mark("none", "unknown", result=text)
    cipher = state.cipher
    assert cipher.decrypt(cipher.encrypt(text, "turn.reply", "s", 1), "turn.reply", "s", 1) == text


async def test_everything_is_encrypted_again_under_a_new_primary_key(
    opened: Opened, empty_url: str, tmp_path: Path
) -> None:
    old = write_keys(tmp_path / "keys", "k1")
    await written(opened, Keyring(f"file:{tmp_path / 'keys'}"))
    write_keys(tmp_path / "keys", "k2", "k1", keep=old)
    ring = Keyring(f"file:{tmp_path / 'keys'}")
    state = await opened(ring)
    assert await again(state, ring).remaining() == await again(state, ring).using("k1") == 9
    assert await rewrite(state, ring) == (9, 0)
    assert await again(state, ring).remaining() == await again(state, ring).using("k1") == 0
    assert await rewrite(state, ring) == (0, 0)
    assert all(CANARY in text for text in await read_everything(state, "s1"))
    assert "enc:1:k1:" not in await raw(empty_url)


async def test_clear_content_is_encrypted_by_the_same_command(
    opened: Opened, empty_url: str, keys: Keyring
) -> None:
    await written(opened, None)
    state = await opened(keys)
    assert await rewrite(state, keys) == (9, 0)
    assert all(CANARY in text for text in await read_everything(state, "s1"))
    assert CANARY not in await raw(empty_url)


async def test_rows_that_cannot_be_read_are_counted_and_kept(
    opened: Opened, keys: Keyring, tmp_path: Path
) -> None:
    await written(opened, keys)
    write_keys(tmp_path / "other", "k2")
    other = Keyring(f"file:{tmp_path / 'other'}")
    state = await opened(other)
    assert await rewrite(state, other) == (0, 9)
    state = await opened(keys)
    assert all(CANARY in text for text in await read_everything(state, "s1"))


async def test_one_unreadable_entry_does_not_fail_the_reads_of_others(opened: Opened, keys: Keyring) -> None:
    await written(opened, keys)
    state = await opened(keys)
    await state.log.settle("s2", [UserEntry(seq=1, text="mine")])
    async with state._transactions.begin() as db:
        await db.exec(update(LogTable).where(col(LogTable.session) == "s1").values(body="enc:1:k1:AAAA"))
        assert (await db.exec(select(LogTable.session).where(col(LogTable.session) == "s2"))).all() == ["s2"]
    with pytest.raises(EncryptionError):
        await state.log.read("s1", 0)
    assert await state.log.read("s2", 0) == [UserEntry(seq=1, text="mine")]
