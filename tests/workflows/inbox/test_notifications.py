"""Notifications about what waits for people are sent once, while the session continues."""

from __future__ import annotations

import json
from typing import Any

import pytest

from holdfast import Agent, App, Approvals, Budget, Secret, Webhook
from holdfast.testing import call, say

from ...activities.notifications.receiver import Receiver, receiver
from ...support import eventually, look
from ..conftest import Start
from ..limited import raise_budget, status

HOUR = 3_600.0
SCRIPT = [call("look", {"at": "a"}), say("Done.")]


@pytest.fixture(autouse=True)
def hook_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEST_HOOK_SECRET", "a secret")


def app(hook: Receiver, **policy: Any) -> App:
    """An agent whose second step waits for a person."""
    agent = Agent(
        "helper",
        model="openai:scripted",
        tools=[look],
        budget=Budget(steps=1, when_spent="ask"),
        approvals=Approvals(**policy),
    )
    target = Webhook(url=hook.url, secret=Secret("env:TEST_HOOK_SECRET"))
    return App(agents=[agent], notifications=[target])


def sent(hook: Receiver) -> list[tuple[str, str]]:
    documents = [json.loads(body) for _, body in hook.received]
    return [(each["type"], each["data"]["result"]) for each in documents]


async def test_notifications_report_that_something_waits_and_how_it_ended(start: Start) -> None:
    with receiver() as hook:
        async with start(list(SCRIPT), app(hook)) as it:
            session = await it.holdfast.client.start("helper", "Go")
            [item] = (await status(session, "needs_person")).inbox
            await raise_budget(it.holdfast, session, steps=5)
            assert (await session.wait()).text == "Done."
            await session.close()
            await session.result()
        assert sent(hook) == [("inbox.opened", ""), ("inbox.closed", "no longer needed")]
        data = json.loads(hook.received[0][1])["data"]
        assert (data["item"], data["session"], data["deadline"]) == (item.id, session.id, item.deadline)


async def test_reminders_and_escalations_are_sent_too(start: Start) -> None:
    policy: dict[str, Any] = {"deadline": HOUR, "reminders": (600.0, 1_200.0), "escalation": (("ann",),)}
    with receiver() as hook:
        async with start(list(SCRIPT), app(hook, **policy), time_skipping=True) as it:
            session = await it.holdfast.client.start("helper", "Go")
            await session.wait(raise_on_error=False)
        assert [kind for kind, _ in sent(hook)] == [
            "inbox.opened",
            "inbox.reminder",
            "inbox.reminder",
            "inbox.escalated",
            "inbox.reminder",
            "inbox.reminder",
            "inbox.closed",
        ]
        assert len(set(hook.ids)) == 7
        assert "ann" in json.loads(hook.received[3][1])["data"]["owners"]


async def test_an_answer_does_not_wait_for_a_receiver_that_fails(start: Start) -> None:
    with receiver() as hook:
        hook.statuses[:] = [503, 503]
        async with start(list(SCRIPT), app(hook)) as it:
            session = await it.holdfast.client.start("helper", "Go")
            await status(session, "needs_person")
            await raise_budget(it.holdfast, session, steps=5)
            assert (await session.wait()).text == "Done."

            async def all_sent() -> bool:
                return len(hook.received) == 4

            await eventually(all_sent)
        # The first one was repeated until it was accepted, and the second one came after it.
        assert len(set(hook.ids[:3])) == 1
        assert hook.ids[3] != hook.ids[0]


async def test_an_app_without_targets_sends_nothing(start: Start) -> None:
    with receiver() as hook:
        targetless = App(agents=list(app(hook).agents.values()))
        async with start(list(SCRIPT), targetless) as it:
            session = await it.holdfast.client.start("helper", "Go")
            await status(session, "needs_person")
            await raise_budget(it.holdfast, session, steps=5)
            await session.wait()
            history = await it.holdfast.temporal.get_workflow_handle(session.id).fetch_history()
            assert "notify" not in str(history)
        assert not hook.received
