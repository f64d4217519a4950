"""``holdfast ticket`` and ``holdfast schedule``."""

from __future__ import annotations

from holdfast import Agent, App, Ticket, tool
from holdfast.testing import Environment, ScriptedModel, call, say
from holdfast_temporal import DevServer

from ...support import eventually
from .test_command import holdfast, lines


@tool
async def render(scene: str) -> Ticket:
    """Render a scene.

    Args:
        scene: What to render.
    """
    return Ticket(what="a rendering", reference=scene)


async def test_a_ticket_is_listed_and_settled(server: DevServer) -> None:
    app = App(agents=[Agent("artist", model="openai:test", tools=[render])])
    async with (
        ScriptedModel([call("render", {"scene": "beach"}), say("Here.")]) as model,
        Environment.start(app, model, server=server.address) as environment,
    ):
        session = await environment.client.start("artist", "Draw")

        async def listed() -> bool:
            code, out, _ = await holdfast(environment, "ticket", "list", "--agent", "artist")
            return code == 0 and f"holdfast ticket settle {session.id} ticket-" in out

        await eventually(listed)
        _, out, _ = await holdfast(environment, "ticket", "list", "--json")
        [ticket] = lines(out)
        code, out, _ = await holdfast(environment, "ticket", "settle", session.id, ticket["id"], "a picture")
        assert (code, "settled" in out) == (0, True)
        assert (await session.wait()).text == "Here."
        code, _, error = await holdfast(environment, "ticket", "settle", session.id, ticket["id"], "another")
        assert code != 0
        assert "ticket-" in error


async def test_a_schedule_is_made_shown_paused_and_deleted(server: DevServer) -> None:
    app = App(agents=[Agent("reporter", model="openai:test")])
    async with (
        ScriptedModel([say("Done.")]) as model,
        Environment.start(app, model, server=server.address) as environment,
    ):
        made = ("nightly", "reporter", "Report {date}", "--cron", "0 3 * * *", "--time-zone", "Europe/Berlin")
        code, out, _ = await holdfast(environment, "schedule", "create", *made)
        assert code == 0
        assert "nightly: reporter, 0 3 * * * (Europe/Berlin), active" in out
        _, out, _ = await holdfast(environment, "schedule", "pause", "nightly", "--note", "broken", "--json")
        [view] = lines(out)
        assert (view["paused"], view["note"], view["message"]) == (True, "broken", "Report {date}")
        code, out, _ = await holdfast(environment, "schedule", "delete", "nightly")
        assert (code, "deleted" in out) == (0, True)
        code, _, error = await holdfast(environment, "schedule", "show", "nightly")
        assert code != 0
        assert "nightly" in error
