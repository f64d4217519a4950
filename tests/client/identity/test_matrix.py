"""Every request of the SDK, as every principal that may not make it: refused, and nothing is revealed.

What another tenant, another user or a client without a valid credential gets for a session is compared with what
it gets for a session that does not exist.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any, get_args

import pytest

from holdfast import Client, HoldfastError, InvalidCredential, NotPermitted, Session, SessionNotFound
from holdfast.testing import say
from holdfast_workflows.contracts.agent.memory import TASKS
from holdfast_workflows.contracts.control import access
from holdfast_workflows.contracts.control.access import Operation
from holdfast_workflows.contracts.control.identity import Role

from ...support import always, eventually
from .conftest import Guarded, Guarding

Call = Callable[[Client, str], Awaitable[object]]


async def _all(values: Any) -> list[Any]:
    return [value async for value in values]


def _of(method: str, *args: Any, **options: Any) -> Call:
    """A method of ``Session``; an iterator is read to its end."""

    def call(client: Client, id: str) -> Awaitable[object]:
        made = getattr(client.session(id), method)(*args, **options)
        return _all(made) if hasattr(made, "__aiter__") else made

    return call


OF_SESSION: dict[str, tuple[Operation, Call]] = {
    "send": ("send", _of("send", "Hi")),
    "send_long": ("send", _of("send", "Hi " * 5_000)),
    "wait": ("view", _of("wait", 1)),
    "stream": ("view", _of("stream", turn=1, timeout=10)),
    "stream_text": ("send", _of("stream", "Hi", timeout=10)),
    "watch": ("view", _of("watch", timeout=0.5)),
    "view": ("view", _of("view")),
    "log": ("view", _of("log")),
    "transcript": ("view", _of("transcript")),
    "turn": ("view", _of("turn", 1)),
    "turns": ("view", _of("turns")),
    "steer": ("steer", _of("steer", "Hi")),
    "pause": ("control", _of("pause")),
    "resume": ("control", _of("resume")),
    "repin": ("control", _of("repin")),
    "cancel": ("cancel", _of("cancel")),
    "close": ("close", _of("close")),
    "raise_budget": ("raise_budget", _of("raise_budget", steps=5)),
    "effects": ("view", _of("effects")),
    "prompts": ("view", _of("prompts")),
    "prompt": ("view", _of("prompt")),
    "removed": ("view", _of("removed")),
    "result": ("view", _of("result", timeout=3)),
    "state": ("view", _of("state")),
    "tree": ("view", _of("tree")),
    "trace": ("view", _of("trace")),
    "case": ("view", _of("case")),
    "fork": ("fork", _of("fork")),
    "comparison": ("view", _of("comparison", timeout=10)),
    "debug": ("control", _of("debug")),
    "debug_off": ("control", _of("debug_off")),
    "debug_records": ("control", _of("debug_records")),
    "export": ("view", _of("export", f"{tempfile.gettempdir()}/holdfast-matrix-{os.getpid()}.zip")),
    "board": ("view", lambda client, id: client.session(id).board.list()),
    "board.read": ("view", lambda client, id: client.session(id).board.read("plan")),
    "board.write": ("send", lambda client, id: client.session(id).board.write("plan", "x", id=f"w-{id}")),
    # No turn waits for it, so it is the ledger that is changed.
    "answer": ("control", _of("answer", "effect-1", "retry")),
    "tickets": ("view", _of("tickets")),
    "settle": ("settle", _of("settle", "ticket-2", "Done")),
    "erase": ("erase", lambda client, id: client.memory.erase("session", id)),
}
"""Each public method of ``Session`` that makes a request, with the operation it needs."""

OF_CLIENT: dict[str, tuple[Operation, bool, Callable[[Client], Awaitable[object]]]] = {
    "start": ("start", False, lambda client: client.start("helper", "Hi")),
    "start_task": ("start", False, lambda client: client.start_task("helper", "Hi")),
    "run": ("start", False, lambda client: client.run("helper", "Hi")),
    "sessions": ("list", False, lambda client: _all(client.sessions())),
    "inbox": ("list", False, lambda client: client.inbox()),
    "tickets": ("list", False, lambda client: client.tickets()),
    "audit": ("audit", False, lambda client: client.audit()),
    "schedule": (
        "start",
        False,
        lambda client: client.schedule("s-1", "helper", "Hi", cron="0 9 * * *", paused=True),
    ),
    "schedules.list": ("list", False, lambda client: client.schedules.list()),
    "agents": ("agents", False, lambda client: client.agents()),
    "agent_loads": ("breakers", True, lambda client: client.agent_loads()),
    "effects": ("effects", True, lambda client: client.effects()),
    "patterns": ("budgets", False, lambda client: client.patterns()),
    "breakers": ("breakers", True, lambda client: client.breakers()),
    "set_breaker": ("breakers", True, lambda client: client.set_breaker("tool:look", "closed")),
    "budgets": ("budgets", False, lambda client: client.budgets()),
    "costs": ("budgets", False, lambda client: client.costs()),
    "memory.search": ("memory_read", False, lambda client: client.memory.search("cats")),
    "memory.list": ("memory_read", False, lambda client: _all(client.memory.list())),
    "memory.add": ("memory_write", False, lambda client: client.memory.add("A fact.", scope="tenant")),
    "memory.forget": ("memory_write", False, lambda client: client.memory.forget("m-1")),
    "memory.stats": ("maintain", True, lambda client: client.memory.stats()),
    "memory.erase": ("erase", False, lambda client: client.memory.erase("user", "zoe")),
    "memory.migrate": ("maintain", True, lambda client: client.memory.migrate()),
    "maintenance.run": ("maintain", True, lambda client: client.maintenance.run(TASKS[0])),
    "maintenance.runs": ("maintain", True, lambda client: client.maintenance.runs()),
    "fleets.start": ("start", False, lambda client: client.fleets.start("helper", ["Hi"])),
    "board": ("memory_read", False, lambda client: client.board("prices").list()),
    "board.write": ("memory_write", False, lambda client: client.board("prices").write("a", "b", id="w-1")),
    "monitor.start": ("maintain", True, lambda client: client.monitor.start(timedelta(days=9))),
    "monitor.stop": ("maintain", True, lambda client: client.monitor.stop()),
    "monitor.reports": ("maintain", True, lambda client: client.monitor.reports()),
    "maintenance.schedule": (
        "maintain",
        True,
        lambda client: client.maintenance.schedule(timedelta(hours=9)),
    ),
    "retention.list": ("retention_read", False, lambda client: client.retention.list()),
    "retention.set": (
        "retention_write",
        False,
        lambda client: client.retention.set("log", "never", tenant=""),
    ),
    "holds.list": ("retention_read", False, lambda client: client.holds.list()),
    "holds.add": (
        "retention_write",
        False,
        lambda client: client.holds.add("user", "zoe", reason="x", id="h-1"),
    ),
    "holds.remove": ("retention_write", False, lambda client: client.holds.remove("h-1", reason="x")),
}
"""Each public method of ``Client`` that makes a request: its operation, and whether it needs all tenants."""

_BY_TEMPORAL = {
    "export",
    "result",
    "erase",
    "sessions",
    "tickets",
    "trace",
    "tree",
    "schedules.list",
    "maintenance.schedule",
    "maintenance.runs",
    "monitor.start",
    "monitor.stop",
    "monitor.reports",
}
"""What Temporal answers itself; a client with a credential asks a worker first."""

_WITHOUT_REQUEST = {"id", "session", "temporal", "memory", "without_waiting", "whoami", "task_queue"}


def _methods(of: type) -> set[str]:
    return {name for name in vars(of) if not name.startswith("_")} - _WITHOUT_REQUEST


def test_the_tables_have_every_method_of_the_client() -> None:
    assert _methods(Session) <= set(OF_SESSION)
    assert _methods(Client) <= {name.partition(".")[0] for name in OF_CLIENT}


async def error_of(call: Awaitable[object]) -> HoldfastError | None:
    """The error of a request, or None."""
    try:
        await call
    except HoldfastError as error:
        return error
    return None


async def started(it: Guarded, name: str = "ann") -> Session:
    """A session of one principal, with an ended turn."""
    session = await (await it.client(name)).start("helper", "Hi")
    await session.wait()
    return session


async def test_a_session_of_others_gives_the_same_error_as_one_that_does_not_exist(
    guarding: Guarding,
) -> None:
    async with guarding(always(say("Hello."))) as it:
        session = await started(it)
        clients = {name: await it.client(name, timeout=10) for name in ("eve", "bob", "nobody", "")}
        wrong: list[str] = []
        for name, client in clients.items():
            for request, (_, call) in OF_SESSION.items():
                if not name and request in _BY_TEMPORAL:
                    continue
                foreign = await error_of(call(client, session.id))
                missing = await error_of(call(client, "missing-session"))
                same = str(missing).replace("missing-session", session.id)
                if not isinstance(foreign, HoldfastError) or (type(foreign), str(foreign)) != (
                    type(missing),
                    same,
                ):
                    wrong.append(f"{name} {request}: {foreign!r} but {missing!r}")
        assert not wrong, "\n".join(wrong)
        view = await session.view()
        assert (view.status, view.turn) == ("idle", 1)


@pytest.mark.parametrize("role", [*get_args(Role), "nobody"])
async def test_each_role_may_do_what_its_row_says_and_nothing_else(guarding: Guarding, role: str) -> None:
    name = {"user": "backend"}.get(role, role)
    granted = next(
        (granted for each, granted in access.GRANTS.items() if each == role), frozenset[Operation]()
    )
    async with guarding(always(say("Hello."))) as it:
        client = await it.client(name, timeout=10)
        wrong: list[str] = []
        shared = await started(it)
        for request, (operation, call) in OF_SESSION.items():
            # What is refused or only read changes nothing, so one session serves.
            session = await started(it) if operation in granted - {"view"} else shared
            error = await error_of(call(client, session.id))
            refused = isinstance(error, NotPermitted | SessionNotFound | InvalidCredential)
            if refused == (operation in granted):
                wrong.append(f"{role} {request}: {error!r}")
        for request, (operation, everywhere, ask) in OF_CLIENT.items():
            error = await error_of(ask(client))
            refused = isinstance(error, NotPermitted | SessionNotFound | InvalidCredential)
            if refused != (everywhere or operation not in granted):
                wrong.append(f"{role} {request}: {error!r}")
        assert not wrong, "\n".join(wrong)


async def test_an_operator_of_all_tenants_may_do_everything(guarding: Guarding) -> None:
    async with guarding(always(say("Hello."))) as it:
        root = await it.client("root", timeout=10)
        wrong: list[str] = []
        for request, (_, _, ask) in OF_CLIENT.items():
            error = await error_of(ask(root))
            if isinstance(error, NotPermitted | SessionNotFound | InvalidCredential):
                wrong.append(f"{request}: {error!r}")
        shared = await started(it)
        for request, (operation, call) in OF_SESSION.items():
            if request == "erase":
                continue  # the tenant must be named
            session = shared if operation == "view" else await started(it)
            error = await error_of(call(root, session.id))
            if isinstance(error, NotPermitted | SessionNotFound | InvalidCredential):
                wrong.append(f"{request}: {error!r}")
        assert not wrong, "\n".join(wrong)


async def test_a_client_without_a_credential_is_refused_everything(guarding: Guarding) -> None:
    async with guarding(always(say("Hello."))) as it:
        client = await it.client("", timeout=10)
        wrong: list[str] = []
        for request, (_, _, ask) in OF_CLIENT.items():
            if request in _BY_TEMPORAL:
                continue
            error = await error_of(ask(client))
            if not isinstance(error, InvalidCredential | SessionNotFound | NotPermitted):
                wrong.append(f"{request}: {error!r}")
        assert not wrong, "\n".join(wrong)


async def test_lists_have_only_what_the_principal_may_see(guarding: Guarding) -> None:
    async with guarding(always(say("Hello."))) as it:
        mine, other = await started(it, "ann"), await started(it, "bob")
        far = await started(it, "eve")
        expected = {
            "ann": {mine.id},
            "auditor": {mine.id, other.id},
            "eve": {far.id},
            "root": {mine.id, other.id, far.id},
        }
        for name, ids in expected.items():
            client = await it.client(name)

            async def listed(client: Client = client, ids: set[str] = ids) -> bool:
                return {each.id async for each in client.sessions()} == ids

            await eventually(listed)
