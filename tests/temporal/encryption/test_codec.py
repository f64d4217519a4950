import asyncio
from pathlib import Path
from typing import Any

import pytest
from temporalio.api.common.v1 import Payload
from temporalio.api.failure.v1 import Failure
from temporalio.converter import DataConverter
from temporalio.exceptions import ApplicationError

from holdfast_temporal import data_converter
from holdfast_temporal.encryption.codec import EncodedFailureConverter, EncryptionCodec, encrypted
from holdfast_temporal.encryption.keyring import Keyring
from holdfast_workflows.contracts.errors import ClearRefused, DecryptionFailed, KeysMissing, KeyUnknown

from .keys import write_keys

CANARY = "canary-7391"


@pytest.fixture
def keys(tmp_path: Path) -> Path:
    write_keys(tmp_path / "keys", "k1")
    return tmp_path / "keys"


def converter(keys: Path, namespace: str = "prod", *, accept_clear: bool = False) -> DataConverter:
    return encrypted(data_converter, Keyring(f"file:{keys}"), namespace, accept_clear=accept_clear)


@pytest.mark.parametrize("value", [CANARY, None, b"\x00\xff", {"text": CANARY}, CANARY * 60_000])
async def test_values_are_encrypted_and_come_back(keys: Path, value: Any) -> None:
    one = converter(keys)
    [payload] = await one.encode([value])
    assert payload.metadata == {"encoding": b"binary/encrypted", "encryption-key-id": b"k1"}
    assert CANARY.encode() not in payload.SerializeToString()
    assert await one.decode([payload]) == [value]


async def test_one_value_is_never_encrypted_the_same_way_twice(keys: Path) -> None:
    first, second = await converter(keys).encode([CANARY, CANARY])
    assert first.data != second.data


async def test_a_payload_of_another_namespace_is_refused(keys: Path) -> None:
    payloads = await converter(keys, "prod").encode([CANARY])
    with pytest.raises(DecryptionFailed, match="another namespace"):
        await converter(keys, "staging").decode(payloads)


async def test_a_payload_of_an_unknown_key_names_the_key(keys: Path, tmp_path: Path) -> None:
    write_keys(tmp_path / "other", "k2")
    payloads = await converter(tmp_path / "other").encode([CANARY])
    with pytest.raises(KeyUnknown, match="key 'k2'; this process has k1"):
        await converter(keys).decode(payloads)


async def test_a_clear_payload_is_refused_unless_the_setting_accepts_it(keys: Path) -> None:
    payloads = await data_converter.encode([CANARY])
    with pytest.raises(ClearRefused, match="HOLDFAST_ACCEPT_CLEAR=true"):
        await converter(keys).decode(payloads)
    assert await converter(keys, accept_clear=True).decode(payloads) == [CANARY]


async def test_a_refused_payload_does_not_fail_the_codec(keys: Path) -> None:
    clear = await data_converter.encode([CANARY])
    payload_codec = converter(keys).payload_codec
    assert payload_codec is not None
    [marked] = await payload_codec.decode(clear)
    assert marked.metadata["encoding"] == b"binary/refused"


async def test_an_encrypted_payload_without_keys_says_which_setting_is_missing(keys: Path) -> None:
    payloads = await converter(keys).encode([CANARY])
    with pytest.raises(KeysMissing, match="HOLDFAST_KEYS"):
        await data_converter.decode(payloads)
    with pytest.raises(KeysMissing):
        await data_converter.decode(payloads, [str])


async def test_an_error_is_encrypted_with_its_causes(keys: Path) -> None:
    one = converter(keys)
    failure = Failure()
    await one.encode_failure(_error(), failure)
    assert CANARY.encode() not in failure.SerializeToString()
    assert failure.application_failure_info.type == "broken"
    found = await one.decode_failure(failure)
    assert isinstance(found, ApplicationError)
    assert (found.message, str(found.__cause__)) == (f"outer {CANARY}", f"ValueError: inner {CANARY}")


async def test_an_error_that_is_received_and_sent_on_stays_encrypted(keys: Path) -> None:
    one = converter(keys)
    first, second = Failure(), Failure()
    await one.encode_failure(_error(), first)
    await one.encode_failure(await one.decode_failure(first), second)
    assert CANARY.encode() not in second.SerializeToString()
    assert str((await one.decode_failure(second)).__cause__) == f"ValueError: inner {CANARY}"


def test_the_text_of_an_encrypted_error_is_bounded() -> None:
    failure = Failure()
    EncodedFailureConverter().to_failure(
        ApplicationError("x" * 100_000), data_converter.payload_converter, failure
    )
    assert failure.ByteSize() < 9_000


async def test_large_payloads_leave_the_event_loop_free(keys: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    used: list[object] = []
    to_thread = asyncio.to_thread

    async def counted(work: Any, *args: Any) -> Any:
        used.append(work)
        return await to_thread(work, *args)

    monkeypatch.setattr(asyncio, "to_thread", counted)
    ring = EncryptionCodec(Keyring(f"file:{keys}"), "prod")
    await ring.encode([Payload(data=b"x" * 1_000)] * 100)
    assert not used
    large = await ring.encode([Payload(data=b"x" * 300_000)])
    assert [each.data for each in await ring.decode(large)] == [b"x" * 300_000]
    assert len(used) == 2


def _error() -> ApplicationError:
    try:
        try:
            raise ValueError(f"inner {CANARY}")  # noqa: TRY301 - a cause
        except ValueError as cause:
            raise ApplicationError(f"outer {CANARY}", {"detail": CANARY}, type="broken") from cause
    except ApplicationError as error:
        return error
