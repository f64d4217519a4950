"""Lists that have encrypted parts, for a client without keys."""

from pathlib import Path
from uuid import uuid4

from holdfast import Agent, App, connect
from holdfast.testing import Environment, ScriptedModel, say
from holdfast_temporal import DevServer, binding
from holdfast_temporal.connection import Connection
from holdfast_temporal.connection import connect as reach
from holdfast_workflows.contracts.operations.binding import Binding

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


async def test_sessions_are_listed_while_the_only_listed_app_has_keys(tmp_path: Path) -> None:
    write_keys(tmp_path / "keys", "k1")
    own = DevServer(tmp_path / "temporal", memory=True, ui=False)  # it has no other bindings
    await own.start()
    try:
        keys = Connection(address=own.address, keys=f"file:{tmp_path / 'keys'}", accept_clear=True)
        encrypting = await reach(settings=keys)
        await binding.bind(encrypting, "secret", Binding(app="secret"))
        async with (
            ScriptedModel([say("Hello.")]) as model,
            Environment.start(CLERK, model, server=own.address) as holdfast,
        ):
            session = await holdfast.client.start("clerk", "Hi")

            async def listed() -> bool:
                bound = await binding.bound(encrypting)
                return "secret" in bound and [each.id async for each in holdfast.client.sessions()] == [
                    session.id
                ]

            await eventually(listed)
    finally:
        await own.stop()


async def test_a_client_without_keys_finds_its_app_beside_an_encrypted_one(
    server: DevServer, tmp_path: Path
) -> None:
    write_keys(tmp_path / "keys", "k1")
    keys = Connection(address=server.address, keys=f"file:{tmp_path / 'keys'}", accept_clear=True)
    encrypting, clear = await reach(settings=keys), await reach(server.address)
    mine, others = f"clear-{uuid4()}", f"secret-{uuid4()}"
    await binding.bind(encrypting, others, Binding(app="secret"))
    await binding.bind(clear, mine, Binding(app="clear"))

    async def listed() -> bool:
        return {mine, others} <= set(await binding.bound(encrypting))

    await eventually(listed)
    assert mine in await binding.bound(clear)
    assert others not in await binding.bound(clear)
