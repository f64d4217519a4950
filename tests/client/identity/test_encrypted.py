"""Identity and encryption at the same time: the header of a request is encrypted, too."""

from pathlib import Path

from holdfast.testing import say
from tests.temporal.encryption.keys import write_keys

from .conftest import Guarding


async def test_requests_of_principals_work_with_keys_and_their_headers_are_encrypted(
    guarding: Guarding, tmp_path: Path
) -> None:
    write_keys(tmp_path / "keys", "k1")
    async with guarding([say("Hello."), say("Again.")], keys=f"file:{tmp_path}/keys") as it:
        ann = await it.client("ann")
        session = await ann.start("helper", "Hi")
        assert (await session.wait()).text == "Hello."
        assert (await session.send("And?")).text == "Again."
        assert (await session.view()).started_by == "ann"
        assert [entry.text async for entry in session.log()] == ["Hi", "Hello.", "And?", "Again."]
        history = await it.environment.temporal.get_workflow_handle(session.id).fetch_history()
        [start, *_] = history.events
        fields = start.workflow_execution_started_event_attributes.header.fields
        assert fields
        assert {each.metadata["encoding"] for each in fields.values()} == {b"binary/encrypted"}
