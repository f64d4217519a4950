"""The shape of a run with rules on its calls: denied, allowed, judged by the past, counted in the database."""

from __future__ import annotations

from holdfast import Agent, App, Permissions, allow, arg, deny, tool
from holdfast.testing import Call, Environment, Reply, Request, call, say
from holdfast_client import Session

from ...support import Gate, look, peek


def ruled(_: Gate) -> App:
    """An agent with rules on arguments, on what was read, and on calls per day."""

    @tool(effect="idempotent", trusted=True)
    async def pay(to: str, cents: int) -> str:
        """Pay somebody.

        Args:
            to: Who.
            cents: How much.
        """
        return f"{cents} paid to {to}"

    rules = (
        deny("pay", when=arg("cents") > 100, reason="too much"),
        deny("pay", after_untrusted=True, when=~arg("to").named_by_user()),
        allow("pay", at_most=2, per="day", scope="tenant"),
        deny("peek", when=arg("at") == "secrets"),
    )
    return App(
        agents=[
            Agent(
                "helper",
                model="openai:scripted",
                tools=[pay, look, peek],
                permissions=Permissions(rules=rules),
            )
        ]
    )


def _pays(request: Request) -> Reply:
    pays = Reply(
        calls=tuple(
            Call("pay", f'{{"to": "{to}", "cents": {cents}}}') for to, cents in (("ann", 5), ("ann", 500))
        )
    )
    steps = [
        pays,
        call("peek", {"at": "it"}),
        call("pay", {"to": "eve", "cents": 5}),
        pays,
        pays,
        say("Done."),
    ]
    return steps[min(request.number, len(steps)) - 1]


async def permitted(holdfast: Environment, _: Gate) -> Session:
    session = await holdfast.client.start("helper", "Pay 5 to ann.", tenant="acme")
    await session.wait(raise_on_error=False)
    await session.close()
    return session


PERMITTED = {"permissions": (permitted, _pays, ruled)}
