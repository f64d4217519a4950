"""Lists of sessions whose first messages are encrypted, for a client without keys."""

from pathlib import Path

from holdfast import Agent, App, connect
from holdfast.testing import Environment, ScriptedModel, say
from holdfast_temporal import DevServer

from ...support import eventually
from .keys import write_keys

CLERK = App(agents=[Agent("clerk", model="openai:gpt-test")])


async def test_a_client_without_keys_lists_encrypted_sessions_without_their_text(
    server: DevServer, tmp_path: Path
) -> None:
    write_keys(tmp_path / "keys", "k1")
    async with (
        ScriptedModel([say("Hello.")]) as model,
        Environment.start(CLERK, model, server=server.address, keys=f"file:{tmp_path / 'keys'}") as holdfast,
    ):
        session = await holdfast.client.start("clerk", "A secret question")
        await session.wait()
        other = await connect(server.address)
        texts = dict[str, str]()

        async def listed() -> bool:
            texts.update({each.id: each.message async for each in other.sessions(agent="clerk")})
            return session.id in texts

        await eventually(listed)
        assert texts[session.id] == ""
