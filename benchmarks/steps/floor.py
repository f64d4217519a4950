"""The floor: the smallest agent loop on Temporal that a careful person would write by hand.

Two activities per step, the conversation in a SQLite file instead of the history, one httpx client,
Temporal's defaults. No streaming, validation, prices, size limits, pause, cancel or effect ledger.
"""

import asyncio
import json
import sqlite3
import sys
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from temporalio import activity, workflow
from temporalio.client import Client
from temporalio.worker import UnsandboxedWorkflowRunner, Worker
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner

with workflow.unsafe.imports_passed_through():
    import httpx

_RESULT = "r" * 1000
_TIMEOUT = timedelta(seconds=60)


@dataclass
class Ask:
    """One model call."""

    session: str


@dataclass
class Answer:
    """Text, or calls by id and argument."""

    text: str
    calls: list[tuple[str, str]]


@dataclass
class Do:
    """One tool call."""

    session: str
    call: str
    arguments: str


class Floor:
    """The activities."""

    def __init__(self, path: str, url: str) -> None:
        self._db = sqlite3.connect(path, isolation_level=None)
        self._db.execute("pragma journal_mode=wal")
        self._db.execute("pragma synchronous=full")
        self._db.execute("create table if not exists log (session text, n integer primary key, message text)")
        self._db.execute("create index if not exists by_session on log (session)")
        self._http = httpx.AsyncClient(base_url=url, timeout=60)

    def _add(self, session: str, message: dict[str, object]) -> None:
        self._db.execute("insert into log (session, message) values (?, ?)", (session, json.dumps(message)))

    @activity.defn
    async def ask_model(self, ask: Ask) -> Answer:
        """Send the conversation, keep the reply."""
        rows = self._db.execute("select message from log where session = ? order by n", (ask.session,))
        messages = [json.loads(row[0]) for row in rows] or [{"role": "user", "content": ask.session}]
        if len(messages) == 1:
            self._add(ask.session, messages[0])
        reply = await self._http.post(
            "/chat/completions", json={"model": "bench", "messages": messages, "tools": _TOOLS}
        )
        reply.raise_for_status()
        message: dict[str, Any] = reply.json()["choices"][0]["message"]
        self._add(ask.session, message)
        requested: list[dict[str, Any]] = message.get("tool_calls") or []
        calls = [(call["id"], call["function"]["arguments"]) for call in requested]
        return Answer(message.get("content") or "", calls)

    @activity.defn
    async def look(self, do: Do) -> None:
        """The tool."""
        self._add(do.session, {"role": "tool", "tool_call_id": do.call, "content": _RESULT})


_TOOLS = [
    {
        "type": "function",
        "function": {
            "name": "look",
            "description": "Look at page n.",
            "parameters": {"type": "object", "properties": {"n": {"type": "integer"}}},
        },
    }
]


@workflow.defn
class FloorWorkflow:
    """The loop."""

    @workflow.run
    async def run(self, session: str) -> str:
        """Ask and act until there are no more calls."""
        while True:
            answer = await workflow.execute_activity_method(
                Floor.ask_model, Ask(session), start_to_close_timeout=_TIMEOUT
            )
            if not answer.calls:
                return answer.text
            await asyncio.gather(
                *(
                    workflow.execute_activity_method(
                        Floor.look, Do(session, call, arguments), start_to_close_timeout=_TIMEOUT
                    )
                    for call, arguments in answer.calls
                )
            )


async def main(address: str, queue: str, path: str, url: str, flag: str) -> None:
    """Run the floor's worker, with the SDK's sandbox unless ``flag`` is ``unsandboxed``."""
    floor = Floor(path, url)
    client = await Client.connect(address)
    worker = Worker(
        client,
        task_queue=queue,
        workflows=[FloorWorkflow],
        activities=[floor.ask_model, floor.look],
        workflow_runner=UnsandboxedWorkflowRunner() if flag == "unsandboxed" else SandboxedWorkflowRunner(),
    )
    await worker.run()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
