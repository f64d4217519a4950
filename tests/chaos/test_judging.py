"""The judges report what is wrong with a pass."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from .driving import Ended
from .histories import Timeline, recoveries
from .ledger import Account
from .oracle import judge, paid_twice
from .processes import Kill, Options
from .program import EFFECTS, LAST_WORD, STEPS, Program, expected, programs
from .report import Row, bound, quantile
from .scenarios.faults import causeless, multiplied

RUN = Program("chaos-1-0", ("peek", "look", "post", "charge", "order"))
POST, CHARGE = RUN.what(2), RUN.what(3)


def judged(
    attempts: Mapping[str, int] | None = None,
    keys: Mapping[str, int] | None = None,
    ended: Ended | None = None,
    decisions: Mapping[str, Sequence[str]] | None = None,
) -> list[str]:
    """What a row of one run misses, where the ledger holds something else than it should."""
    once = Counter({RUN.what(step): 1 for step in (2, 3, 4)})
    account = Account(Counter({**once, **(attempts or {})}), Counter({**once, **(keys or {})}), Counter())
    row = Row("judged", Options())
    judge(row, [RUN], [ended or Ended(RUN.id, LAST_WORD)], account, STEPS + 1, decisions or {})
    return row.missed


def test_a_pass_as_predicted_misses_nothing() -> None:
    assert judged() == []


def test_an_idempotent_call_may_be_asked_for_twice_under_one_key() -> None:
    assert judged(attempts={POST: 2}) == []


@pytest.mark.parametrize(
    ("attempts", "keys", "ended", "missed"),
    [
        ({}, {POST: 2}, None, "effects repeated 1"),
        ({}, {POST: 0}, None, "effects missing 1"),
        ({CHARGE: 2}, {}, None, "once repeated 1"),
        ({}, {CHARGE: 0}, None, "once missing 1"),
        ({}, {}, Ended(RUN.id, code="lost"), "lost 1"),
        ({}, {}, Ended(RUN.id, "Something else."), "lost 1"),
    ],
)
def test_what_must_not_happen_is_seen(
    attempts: dict[str, int], keys: dict[str, int], ended: Ended | None, missed: str
) -> None:
    assert judged(attempts, keys, ended) == [missed]


def test_a_person_may_have_a_call_made_again_and_may_give_it_up() -> None:
    assert judged(attempts={CHARGE: 2}, decisions={CHARGE: ["retry"]}) == []
    assert judged(attempts={CHARGE: 0}, keys={CHARGE: 0}, decisions={CHARGE: ["give_up"]}) == []


def test_a_reply_is_paid_twice_unless_its_worker_was_lost() -> None:
    asked = [{"run": RUN.id}] * (STEPS + 2)
    assert list(paid_twice(asked, [Timeline(0, [], [], lost=1)], [RUN])) == []
    assert len(list(paid_twice(asked, [Timeline(0, [], [], lost=0)], [RUN]))) == 1


def test_recovery_is_the_time_until_a_run_that_was_hit_gets_on() -> None:
    hit = Timeline(begun=0, owners=[(7, 1, 20)], progress=[2, 14, 30], lost=0)
    spared = Timeline(begun=0, owners=[(8, 1, 20)], progress=[2, 6], lost=0)
    kills = [Kill(7, 5)]
    assert recoveries(kills, [hit, spared]) == [9]
    assert sorted(recoveries(kills, [hit, spared], every_run=True)) == [1, 9]


def test_what_is_expected_follows_from_the_seed() -> None:
    assert programs(3, 50) == programs(3, 50)
    assert programs(3, 50) != programs(4, 50)
    totals = expected(programs(3, 50))
    assert totals.requests == 50 * (STEPS + 1)
    assert totals.calls.total() == 50 * STEPS
    assert set(totals.calls) == set(EFFECTS.values())


def test_a_zero_says_how_much_it_can() -> None:
    assert bound(0, 1_000) == pytest.approx(0.003)
    assert bound(1, 1_000) is None
    assert bound(0, 0) is None


def test_a_target_in_seconds_is_judged_where_time_is() -> None:
    slow = [1.0] * 18 + [20.0] * 2
    assert quantile(slow, 0.5) == 1
    for timed, missed in ((True, 1), (False, 0)):
        row = Row("judged", Options(timed=timed))
        row.time("recovery", slow, p95=15)
        assert len(row.missed) == missed


def test_a_loop_is_explained_only_by_a_prompt_that_was_too_long() -> None:
    ended = [
        Ended("a", code="loop_detected"),
        Ended("b", code="loop_detected"),
        Ended("c", code="loop_detected"),
    ]
    asked: dict[str, list[dict[str, Any]]] = {
        "a": [{"fault": "too_long"}],
        "b": [{"fault": None}],
        "c": [{"fault": "overloaded"}],
    }
    assert [each.split()[0] for each in causeless(ended, asked)] == ["b", "c"]


def test_requests_are_multiplied_by_retries_and_not_by_a_call_that_is_asked_for_again() -> None:
    failed, answered = {"step": 1, "fault": "overloaded"}, {"step": 1, "fault": ""}
    cut = {"step": 0, "fault": "too_long"}
    asked = {
        "a-1": [cut, *[answered] * 20],  # results left out of the prompt
        "b-1": [*[answered] * 20],
        "c-1": [cut, answered, *[failed] * 20],
    }
    assert [each.split()[0] for each in multiplied(asked)] == ["b-1", "c-1"]
