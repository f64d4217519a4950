"""Notifications: signed, and sent once to each target."""

import base64
import hashlib
import hmac
import json
from collections.abc import Iterator

import pytest

from holdfast_activities.notifications import Sender
from holdfast_activities.state import State
from holdfast_workflows.contracts.control.notifications import (
    Apprise,
    Notification,
    NotificationTarget,
    Webhook,
)
from holdfast_workflows.contracts.control.secrets import Secret
from holdfast_workflows.contracts.errors import InvalidDeclaration, NotificationFailed

from .receiver import Receiver, receiver

SECRET = "a secret of the receiver"

HOOK_SECRET = Secret("env:TEST_HOOK_SECRET")

# The standard library deprecates a module that apprise imports.
APPRISE = pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")


@pytest.fixture(autouse=True)
def secrets_of_targets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEST_HOOK_SECRET", SECRET)


@pytest.fixture
def hook() -> Iterator[Receiver]:
    with receiver() as found:
        yield found


def notification(session: str, **changes: object) -> Notification:
    given = {"event": "opened", "item": "approval-4", "kind": "approval", "what": "refund(cents=5)"}
    about = {"session": session, "agent": "support", "tenant": "acme", "turn": 2, "owners": ("ann",)}
    return Notification.model_validate({**given, **about, **changes})


def sender(state: State, *targets: NotificationTarget) -> Sender:
    return Sender(state, targets)


async def test_a_webhook_has_the_item_and_a_valid_signature(
    state: State, session: str, hook: Receiver
) -> None:
    await sender(state, Webhook(url=hook.url, secret=HOOK_SECRET)).send(notification(session, at=17.0))
    [(headers, body)] = hook.received
    document = json.loads(body)
    assert (document["type"], document["timestamp"]) == ("inbox.opened", 17.0)
    assert document["data"]["item"] == "approval-4"
    assert document["data"]["owners"] == ["ann"]
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    expected = base64.b64encode(hmac.new(SECRET.encode(), signed, hashlib.sha256).digest()).decode()
    assert headers["webhook-signature"] == f"v1,{expected}"


async def test_a_secret_with_the_usual_prefix_is_decoded(
    state: State, session: str, hook: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = b"\x00\x01raw key"
    monkeypatch.setenv("TEST_HOOK_SECRET", f"whsec_{base64.b64encode(key).decode()}")
    await sender(state, Webhook(url=hook.url, secret=HOOK_SECRET)).send(notification(session))
    [(headers, body)] = hook.received
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    expected = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    assert headers["webhook-signature"] == f"v1,{expected}"


async def test_a_repeated_activity_sends_nothing_again(state: State, session: str, hook: Receiver) -> None:
    target = Webhook(url=hook.url, secret=HOOK_SECRET)
    for _ in range(3):
        await sender(state, target).send(notification(session))
    assert len(hook.received) == 1


async def test_different_events_of_an_item_are_all_sent(state: State, session: str, hook: Receiver) -> None:
    target = sender(state, Webhook(url=hook.url, secret=HOOK_SECRET))
    await target.send(notification(session))
    await target.send(notification(session, event="reminder"))
    await target.send(notification(session, event="reminder", number=2))
    assert len(set(hook.ids)) == 3


async def test_a_failed_webhook_is_sent_again_with_the_same_id(
    state: State, session: str, hook: Receiver
) -> None:
    hook.statuses[:] = [503]
    target = sender(state, Webhook(url=hook.url, secret=HOOK_SECRET))
    with pytest.raises(NotificationFailed, match="503") as failed:
        await target.send(notification(session))
    assert failed.value.retryable
    await target.send(notification(session))
    assert len(hook.received) == 2
    assert len(set(hook.ids)) == 1


async def test_a_refused_webhook_is_not_retried(state: State, session: str, hook: Receiver) -> None:
    hook.statuses[:] = [410]
    with pytest.raises(NotificationFailed) as failed:
        await sender(state, Webhook(url=hook.url, secret=HOOK_SECRET)).send(notification(session))
    assert not failed.value.retryable


async def test_a_redirect_is_not_followed(state: State, session: str, hook: Receiver) -> None:
    hook.statuses[:] = [307]
    with pytest.raises(NotificationFailed, match="307"):
        await sender(state, Webhook(url=hook.url, secret=HOOK_SECRET)).send(notification(session))
    assert len(hook.received) == 1


async def test_a_broken_target_does_not_stop_the_others(state: State, session: str, hook: Receiver) -> None:
    broken = Webhook(url="http://127.0.0.1:9/nothing-listens", secret=HOOK_SECRET)
    both = sender(state, broken, Webhook(url=hook.url, secret=HOOK_SECRET))
    for _ in range(2):
        with pytest.raises(NotificationFailed):
            await both.send(notification(session))
    assert len(hook.received) == 1


async def test_a_target_gets_only_the_kinds_it_wants(state: State, session: str, hook: Receiver) -> None:
    target = sender(state, Webhook(url=hook.url, secret=HOOK_SECRET, kinds=("budget",)))
    await target.send(notification(session))
    assert not hook.received
    await target.send(notification(session, kind="budget"))
    assert len(hook.received) == 1


async def test_a_missing_secret_is_named(
    state: State, session: str, hook: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("TEST_HOOK_SECRET")
    with pytest.raises(NotificationFailed, match="TEST_HOOK_SECRET"):
        await sender(state, Webhook(url=hook.url, secret=HOOK_SECRET)).send(notification(session))
    assert not hook.received


def test_a_secret_in_plain_text_is_refused() -> None:
    with pytest.raises(InvalidDeclaration, match="not a reference"):
        Webhook(url="https://hooks.example.com", secret=Secret("plain"))


@APPRISE
async def test_apprise_sends_to_its_services(
    state: State, session: str, hook: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TEST_SERVICE", hook.url.replace("http://", "json://"))
    target = Apprise(url=Secret("env:TEST_SERVICE"))
    for _ in range(2):
        await sender(state, target).send(notification(session))
    [(_, body)] = hook.received
    assert "refund(cents=5)" in json.loads(body)["message"]


@APPRISE
async def test_an_apprise_message_of_a_lost_worker_is_not_repeated(
    state: State, session: str, hook: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TEST_SERVICE", hook.url.replace("http://", "json://"))
    target = Apprise(url=Secret("env:TEST_SERVICE"))
    lost = notification(session)
    await sender(state, target).send(lost.model_copy(update={"item": "other"}))
    [row] = await state.effects.list(session)
    claimed = row.model_copy(update={"key": row.key.replace("other", lost.item), "status": "claimed"})
    await state.effects.claim(claimed, "the lost worker")
    await sender(state, target).send(lost)
    assert len(hook.received) == 1
    found = await state.effects.get(claimed.key)
    assert found is not None
    assert found[0].status == "unknown"


async def test_secrets_in_a_question_are_not_sent(state: State, session: str, hook: Receiver) -> None:
    key = "AKIA" + "IOSFODNN7EXAMPLE"
    asked = notification(session, kind="handover", what=f"reply to: my key is {key}")
    await sender(state, Webhook(url=hook.url, secret=HOOK_SECRET)).send(asked)
    [(_, body)] = hook.received
    assert key not in body.decode()
    assert "my key is [redacted:" in body.decode()
