"""Sessions become cases, and an evaluation of them finds a worsened prompt."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from holdfast import BadInput, UnknownAgent
from holdfast.testing import Environment, ScriptedModel, Variant, evaluate, load_cases, save_case
from holdfast.testing.evaluation import Case, regressions
from holdfast.testing.evaluation.baselines import load_baseline, save_baseline
from holdfast_temporal import DevServer
from holdfast_workflows.contracts.evaluation.cases import ExpectCall, ExpectFunction, ExpectJudge, ExpectText

from .refunds import GOOD, MADE, WORSE, app, script

VARIANTS = (Variant("good", instructions=GOOD), Variant("worse", instructions=WORSE))


async def saved(server: DevServer, model: ScriptedModel, sessions: int, turns: int) -> list[Case]:
    """Cases of all turns of sessions that have refunded an order in each."""
    async with Environment.start(app, model, server=server.address) as holdfast:

        async def of_session(number: int) -> list[Case]:
            session = await holdfast.client.start("clerk")
            orders = range(number * turns + 1, (number + 1) * turns + 1)
            for order in orders:
                await session.send(f"Please refund order {order}.")
            return [
                await session.case(turn=turn, name=f"order-{order}") for turn, order in enumerate(orders, 1)
            ]

        found = await asyncio.gather(*map(of_session, range(sessions)))
    return [case for cases in found for case in cases]


async def test_a_saved_case_runs_again_without_a_call_and_expects_the_same_refund(
    server: DevServer, tmp_path: Path
) -> None:
    async with ScriptedModel(script) as model:
        [*_, made] = await saved(server, model, 1, 5)
        save_case(made, tmp_path)
        [case] = load_cases(tmp_path)
        assert case == made
        assert ExpectCall(tool="refund", arguments={"order": "5", "cents": 105}) in case.expectations
        MADE.clear()
        more = case.model_copy(
            update={
                "expectations": (
                    *case.expectations,
                    ExpectJudge(),
                    ExpectText(text="too much", absent=True),
                    ExpectFunction(function=f"{script.__module__}:is_polite"),
                )
            }
        )
        found = await evaluate(
            app, [more], variants=VARIANTS, judge="openai:judge", model=model, server=server.address
        )
        assert MADE == []
    good, worse = found.trials
    assert [score.value for score in good.scores] == [1, 1, 1, 1, 1]
    assert [score.value for score in worse.scores] == [1, 0, 0, 0, 1]
    assert worse.scores[2].reason == "too much"
    assert [call.source for call in good.outcome.calls] == ["recorded", "recorded"]
    assert [call.source for call in worse.outcome.calls] == ["recorded", "fenced"]
    assert (good.passed, worse.passed) == (True, False)


async def test_a_case_written_by_hand_needs_only_a_message(server: DevServer) -> None:
    case = Case(
        name="by hand", agent="clerk", message="Refund order 7.", reads="live", expectations=(_says(),)
    )
    async with ScriptedModel(script) as model:
        MADE.clear()
        found = await evaluate(app, [case], model=model, server=server.address)
        assert (found.trials[0].passed, MADE) == (True, ["paid 7"])
        other = case.model_copy(update={"agent": "other"})
        with pytest.raises(UnknownAgent, match="the app has clerk"):
            await evaluate(app, [other], model=model, server=server.address)


def _says() -> ExpectText:
    return ExpectText(text="refunded order 7")


def test_cases_that_cannot_be_scored_are_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="no case in"):
        load_cases(tmp_path)
    case = Case(name="a", agent="clerk", message="Hi", expectations=(_says(),))
    save_case(case, tmp_path / "one")
    save_case(case, tmp_path / "two")
    with pytest.raises(BadInput, match="several cases are named a"):
        load_cases(tmp_path)
    (tmp_path / "two" / "a.json").write_text('{"name": "b", "agent": "clerk", "message": "Hi"}')
    with pytest.raises(BadInput, match="case 'b' has no expectations"):
        load_cases(tmp_path)
    (tmp_path / "two" / "a.json").write_text('{"name": "b"}')
    with pytest.raises(BadInput, match=r"a\.json: agent: Field required"):
        load_cases(tmp_path)


@pytest.mark.slow
@pytest.mark.timeout(400)
@pytest.mark.filterwarnings("default:Cannot find activity to cancel")  # the SDK, on a busy machine
async def test_an_evaluation_of_50_saved_cases_finds_a_worsened_prompt(
    server: DevServer, tmp_path: Path
) -> None:
    async with ScriptedModel(script) as model:
        cases = await saved(server, model, 5, 10)
        MADE.clear()
        found = await evaluate(
            app, cases, variants=VARIANTS, model=model, concurrency=4, server=server.address
        )
        assert MADE == []
    good, worse = map(found.summary, found.variants)
    assert (good.cases, good.passed, good.quality.mean) == (50, 1.0, 1.0)
    assert worse.passed == 0.8
    assert found.difference("worse", "good").worse
    assert not found.difference("good", "good").worse
    save_baseline(found, tmp_path / "baseline.json")
    before = {"good": load_baseline(tmp_path / "baseline.json")["good"]}
    assert [each.what for each in regressions(found, before)] == ["quality"]
    assert [each.variant for each in regressions(found, before)] == ["worse"]
