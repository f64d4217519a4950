"""Each program of ``examples/teams``, run as a user runs it, with a scripted model."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

import pytest

from examples.teams import article, decision, estimate, handoff, research, translation
from holdfast import App
from holdfast.testing import Environment, Reply, Request, ScriptedModel, call, failed, say
from holdfast_temporal import DevServer

Run = Callable[[App, Callable[[Request], Reply], Coroutine[Any, Any, None]], Any]


@pytest.fixture
def printed(
    server: DevServer, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., Any]:
    """Run a program against a worker of its app, and return the lines that it prints."""

    @asynccontextmanager
    async def serving(app: App, script: Callable[[Request], Reply]) -> AsyncGenerator[None]:
        async with (
            ScriptedModel(script) as model,
            Environment.start(app, model, server=server.address) as running,
        ):
            monkeypatch.setenv("HOLDFAST_TEMPORAL_ADDRESS", server.address)
            monkeypatch.setenv("HOLDFAST_TASK_QUEUE", running.task_queue)
            yield

    async def run(
        app: App, script: Callable[[Request], Reply], program: Coroutine[Any, Any, None]
    ) -> list[str]:
        async with serving(app, script):
            await program
        return capsys.readouterr().out.splitlines()

    return run


def system(request: Request) -> str:
    """The instructions, by which the agent is recognised."""
    return str(request.messages[0]["content"])


async def test_a_help_desk_hands_off_to_the_agent_for_the_subject(printed: Run) -> None:
    def script(request: Request) -> Reply:
        if "Find out what" in system(request):
            return call("handoff_to_billing", {"reason": "an invoice"})
        return say("90 €.") if request.results > 1 else call("invoice", {"number": "7"})

    lines = await printed(handoff.app, script, handoff.main(["What do I owe?", "By when?"]))
    assert lines == ["billing: 90 €.", "billing: 90 €."]


async def test_a_supervisor_revises_its_plan(printed: Run) -> None:
    def plan(*items: tuple[str, str]) -> Reply:
        return call("update_plan", {"items": [{"text": text, "status": status} for text, status in items]})

    def script(request: Request) -> Reply:
        if "Write a plan" not in system(request):
            return say("Nothing." if "List what is wrong" in system(request) else "Tea came from China.")
        return (
            plan(("where from", "doing"), ("when", "todo")),
            call("fan_out_to_researcher", {"tasks": ["Where is tea from?", "Since when?"]}),
            plan(("where from", "done"), ("when", "dropped"), ("review", "doing")),
            call("delegate_to_reviewer", {"task": "Tea came from China."}),
            say("The report."),
        )[request.results]

    lines = await printed(research.app, script, research.main("Where is tea from?"))
    assert lines == ["[done] where from", "[dropped] when", "[doing] review", "The report."]


async def test_a_failed_translator_is_replaced(printed: Run) -> None:
    def script(request: Request) -> Reply:
        if "announcement" in system(request):
            return say("Feito.") if request.results else call("delegate_to_translator", {"task": "Hello"})
        return failed(400) if request.wire == "openai" else say("Olá")

    assert await printed(translation.app, script, translation.main("In Portuguese")) == ["Feito."]


async def test_an_article_is_written_criticised_and_corrected(printed: Run) -> None:
    def script(request: Request) -> Reply:
        return say({"Write": "A draft.", "Repeat": "A typo."}.get(system(request).split()[0], "The text."))

    assert await printed(article.app, script, article.main("Tea")) == ["The text."]


async def test_estimates_are_combined(printed: Run) -> None:
    def script(request: Request) -> Reply:
        one = "Make one" in system(request)
        return say('{"days": 5, "reason": "the mean"}' if one else "5 days")

    assert await printed(estimate.app, script, estimate.main("A shed")) == ["5 days: the mean"]


async def test_a_judge_decides_a_debate(printed: Run) -> None:
    def script(request: Request) -> Reply:
        return say("No. It costs too much." if "Decide" in system(request) else "Because.")

    assert await printed(decision.app, script, decision.main("A second shed")) == ["No. It costs too much."]
