"""Declarations of remote agents."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest

from holdfast import A2AAgent, Agent, App, InvalidDeclaration

URL = "https://agents.example.com/painter"


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"url": "agents.example.com"}, "must begin with https://"),
        ({"url": "https://me:secret@agents.example.com"}, "its url contains credentials"),
        ({"url": "http://agents.example.com", "headers": {"X-Tenant": "acme"}}, "sent unencrypted"),
        ({"headers": {"Authorization": "Bearer abc"}}, "is not a reference"),
        ({"allow": ["https://*.example.com"]}, r"name each host instead of '\*'"),
        ({"allow": "https://example.com"}, "give a list"),
        ({"private": "8.8.8.0/24"}, "contains public addresses"),
        ({"effect": "twice"}, "use 'none', 'idempotent' or 'once'"),
        ({"approval": "always"}, "use 'ask' or leave it out"),
        ({"timeout": 0}, "timeout"),
        ({"wait": 3}, "wait"),
    ],
)
def test_a_declaration_that_cannot_work_is_refused(options: Any, problem: str) -> None:
    with pytest.raises((InvalidDeclaration, TypeError), match=problem):
        A2AAgent("painter", **({"url": URL} | options))


def test_a_remote_agent_is_untrusted_and_its_tasks_happen_once() -> None:
    agent = A2AAgent("painter", url=URL, headers={"Authorization": "Bearer ${env:TOKEN}"})
    assert (agent.spec.effect, agent.spec.trusted, agent.spec.probe) == ("once", False, True)
    assert agent.spec.secrets == ("env:TOKEN",)
    App(agents=[Agent("clerk", model="openai:scripted", tools=[agent])])


def test_an_app_without_remote_agents_imports_no_a2a() -> None:
    program = (
        "import sys; from tests.support import make_app; import holdfast_workers.wiring, holdfast_activities\n"
        "import holdfast_client.command.main\n"
        "make_app().registry()\n"
        "assert not {'a2a', 'starlette', 'uvicorn'} & {*sys.modules}, 1"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)
