"""Rules decide calls: deny before ask before allow, on every level, and never by an exception."""

from __future__ import annotations

import json
from itertools import permutations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from holdfast import Condition, Permissions, Rule, allow, arg, ask, called, deny, untrusted
from holdfast_workflows.contracts.permissions.evaluate import evaluate
from holdfast_workflows.contracts.permissions.needs import is_static
from holdfast_workflows.contracts.permissions.rules import Action, Call, Level, LevelName, Past, Verdict

_NAMES: tuple[LevelName, ...] = ("app", "tenant", "agent", "session")


def decide(
    *levels: Permissions | Rule,
    tool: str = "refund",
    past: Past | None = None,
    values: dict[str, Any] | None = None,
    named: tuple[str, ...] = (),
    effect: bool = True,
    own: bool = False,
    known: bool = True,
) -> Verdict:
    """Decide a call by one level for each argument."""
    made = [
        Level(name=name, permissions=each if isinstance(each, Permissions) else Permissions(rules=(each,)))
        for name, each in zip(_NAMES, levels, strict=False)
    ]
    call = Call(tool=tool, known=known, effect=effect, own=own, values=values or {}, named=named)
    return evaluate(made, call, past or Past())


@pytest.mark.parametrize("order", list(permutations([allow("refund"), ask("refund"), deny("refund")])))
def test_deny_decides_before_ask_and_allow_in_any_order(order: tuple[Rule, ...]) -> None:
    assert decide(Permissions(rules=order)).action == "deny"


@pytest.mark.parametrize("order", list(permutations([allow("refund"), ask("refund")])))
def test_ask_decides_before_allow_in_any_order(order: tuple[Rule, ...]) -> None:
    assert decide(Permissions(rules=order)).action == "ask"


def test_an_unknown_tool_is_denied() -> None:
    assert decide(allow("*"), known=False).action == "deny"
    assert decide(known=False).action == "deny"


def test_a_tool_that_allow_rules_name_is_denied_where_none_of_them_matches() -> None:
    rule = allow("refund", when=arg("cents") <= 100)
    assert decide(rule, values={"cents": 100}).action == "allow"
    assert decide(rule, values={"cents": 101}).action == "deny"
    asks = Permissions(rules=(rule,), default="ask")
    assert decide(asks, values={"cents": 101}).action == "ask"


def test_a_strict_default_does_not_concern_holdfasts_own_tools() -> None:
    strict = Permissions(default="deny")
    assert decide(strict).action == "deny"
    assert decide(strict, tool="update_plan", own=True).action == "allow"


def test_an_allow_rule_of_a_lower_level_lifts_nothing() -> None:
    assert decide(deny("refund"), allow("refund")).action == "deny"
    assert decide(ask("refund"), allow("*"), allow("refund")).action == "ask"
    assert decide(Permissions(default="ask"), allow("refund")).action == "ask"


def test_the_verdict_names_its_rule_and_its_level() -> None:
    verdict = decide(
        allow("refund"), deny("ref*", when=arg("cents") > 5, reason="too much"), values={"cents": 6}
    )
    assert verdict.rule == "tenant: deny ref* when cents > 5"
    assert verdict.reason == "too much"


@pytest.mark.parametrize(
    ("condition", "value", "holds"),
    [
        (arg("x") == 3, 3, True),
        (arg("x") == 3, 3.0, True),
        (arg("x") == 3, True, False),
        (arg("x") == 1, "1", None),  # a tool may read the text as a number
        (arg("x") == "a", "A", None),
        (arg("x") == "admin", "ad\u200bmin", None),
        (arg("x") == "admin", "ａdmin", None),
        (arg("x") != "a", "b", True),
        (arg("x") > 3, 4, True),
        (arg("x") > 3, "4", None),
        (arg("x") > 3, True, None),
        (arg("x") > 3, float("nan"), None),
        (arg("x") <= 3, None, None),
        (arg("x").one_of("a", "b"), "b", True),
        (arg("x").one_of("a", "b"), "c", False),
        (arg("x").one_of("a", "b"), "B", None),
        (arg("x").contains("a"), ["b", "a"], True),
        (arg("x").contains("rm"), "rm -rf", True),
        (arg("x").contains("rm"), "RM -rf", None),
        (arg("x").matches(r"[a-z]+\.txt"), "a.txt", True),
        (arg("x").matches(r"[a-z]+\.txt"), "a.txt\n/etc", False),
        (arg("x").matches("a*"), "a" * 257, None),
        (arg("x.y[0].z") == 1, {"y": [{"z": 1}]}, True),
        (arg("x.y[1].z") == 1, {"y": [{"z": 1}]}, None),
        (arg("x[*]") > 5, [6, 7], True),
        (arg("x[*]") > 5, [1, 7], None),
        (arg("x[*]") > 5, [1, 2], False),
        (arg("x[*]") > 5, [], None),
        (arg("x").in_domains("acme.com"), "Ann <ann@acme.com>, bob@ACME.com.", True),
        (arg("x").in_domains("acme.com"), "ann@acme.com, eve@evil.com", False),
        (arg("x").in_domains("acme.com"), "ann@acme.com eve@evil.com", None),
        (arg("x").in_domains("acme.com"), "ann@sub.acme.com", False),
        (arg("x").in_domains("*.acme.com"), "ann@sub.acme.com", True),
        (arg("x").in_domains("acme.com"), '"a@evil.com"@acme.com', None),
        (arg("x").in_domains("acme.com"), "ann@acme.com <eve@evil.com>", None),
        (arg("x").in_domains("acme.com"), "https://acme.com/a?b", True),
        (arg("x").in_domains("acme.com"), "https://acme.com@evil.com/", None),
        (arg("x").in_domains("acme.com"), "https://acme.com\\@evil.com/", None),
        (arg("x").in_domains("acme.com"), "https://acme.com.evil.com/", False),
        (arg("x").in_domains("acme.com"), "ann@аcme.com", None),  # a Cyrillic letter
        (arg("x").in_domains("acme.com"), ["ann@acme.com", None], True),
        (arg("x").in_domains("acme.com"), [], True),
    ],
)
def test_conditions(condition: Condition, value: object, holds: bool | None) -> None:
    values = {"x": value}
    # What cannot be judged is never allowed, and always denied.
    assert (decide(allow("refund", when=condition), values=values).action == "allow") == (holds is True)
    assert (decide(deny("refund", when=condition), values=values).action == "deny") == (holds is not False)
    assert (decide(deny("refund", when=~condition), values=values).action == "deny") == (holds is not True)


def test_a_value_that_is_too_long_is_asked_about_and_not_allowed() -> None:
    assert decide(ask("refund", when=arg("note").contains("x"))).action == "ask"
    assert decide(allow("refund", when=~arg("note").contains("x"))).action == "deny"


def test_conditions_on_the_past() -> None:
    read = Past(untrusted="the result of fetch in turn 1")
    rule = deny("refund", after_untrusted=True, when=arg("cents") > 5)
    assert decide(rule, past=read, values={"cents": 6}).action == "deny"
    assert decide(rule, past=read, values={"cents": 5}).action == "allow"
    assert decide(rule, values={"cents": 6}).action == "allow"
    secret = deny("refund", when=called("read_*"))
    assert decide(secret, past=Past(in_session={"read_secret": 1})).action == "deny"
    assert decide(secret, past=Past(in_session={"write": 1, "#read_x": 1})).action == "allow"


def test_a_limit_counts_the_calls_to_which_its_rule_applies() -> None:
    rule = allow("refund", at_most=2)
    assert decide(rule).counted == (rule.key,)
    assert decide(rule, past=Past(in_session={rule.key: 1})).action == "allow"
    assert decide(rule, past=Past(in_session={rule.key: 2})).action == "deny"
    beyond = ask("refund", beyond=2, per="turn")
    assert decide(beyond, past=Past(in_turn={beyond.key: 1})).action == "allow"
    assert decide(beyond, past=Past(in_turn={beyond.key: 2})).action == "ask"
    assert decide(beyond, past=Past(in_session={beyond.key: 2})).action == "allow"


def test_a_limit_of_a_day_relies_on_a_place_in_the_database() -> None:
    rule = allow("refund", at_most=2, per="day", scope="tenant")
    past = Past(tenant="acme", day="2026-01-31")
    [place] = decide(rule, past=past).quotas
    assert place.limit == 2
    assert decide(rule, past=past.model_copy(update={"used_up": frozenset({place.account})})).action == "deny"
    [other] = decide(rule, past=past.model_copy(update={"tenant": "other"})).quotas
    assert other.account != place.account
    # A limit that is raised during the day goes on with the same count.
    [raised] = decide(allow("refund", at_most=3, per="day", scope="tenant"), past=past).quotas
    assert raised.account == place.account


def test_rules_for_effects_leave_other_tools_alone() -> None:
    rule = ask("*", effects=True)
    assert decide(rule).action == "ask"
    assert decide(rule, effect=False).action == "allow"


def test_an_argument_that_the_user_named_needs_no_approval() -> None:
    rule = ask("refund", when=untrusted() & ~arg("to").named_by_user())
    read = Past(untrusted="x")
    assert decide(rule, past=read).action == "ask"
    assert decide(rule, past=read, named=("to",)).action == "allow"


@pytest.mark.parametrize(
    ("permissions", "tool", "static"),
    [
        (Permissions(), "peek", True),
        (Permissions(default="ask"), "peek", False),
        (Permissions(default="ask"), "update_plan", True),
        (Permissions(rules=(deny("update_*"),), default="ask"), "update_plan", False),
        (Permissions(rules=(ask("*", effects=True),)), "peek", True),
        (Permissions(rules=(ask("pe*", when=untrusted()),)), "peek", False),
        (Permissions(rules=(allow("peek"),), default="deny"), "peek", True),
        (Permissions(rules=(allow("peek", at_most=3),)), "peek", False),
    ],
)
def test_an_inline_tool_stays_inline_only_where_every_call_is_allowed(
    permissions: Permissions, tool: str, static: bool
) -> None:
    assert is_static((Level(name="agent", permissions=permissions),), tool) == static


# Properties.

_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=12,
)
_PATHS = ["x", "y", "x.a", "x[0]", "x[*].a", "y[*]", "missing"]


@st.composite
def _leaf(draw: st.DrawFn) -> Condition:
    value = arg(draw(st.sampled_from(_PATHS)))
    some = draw(_json)
    return draw(
        st.sampled_from(
            [
                value == some,
                value > draw(st.integers() | st.text(max_size=5)),
                value.contains(some),
                value.one_of(some, 1),
                value.matches("a*[b-d]+x?"),
                value.in_domains("acme.com", "*.acme.com"),
                value.named_by_user(),
                untrusted(),
                called("ref*"),
                # Not made by any function, but a client can send it.
                Condition(
                    op=draw(st.sampled_from(["eq", "lt", "matches", "domains", "and", "or", "not"])),
                    value=some,
                ),
            ]
        )
    )


def _combined(inner: SearchStrategy[Condition]) -> SearchStrategy[Condition]:
    pairs = st.tuples(inner, inner)
    return (
        pairs.map(lambda two: two[0] & two[1])
        | pairs.map(lambda two: two[0] | two[1])
        | inner.map(lambda one: ~one)
    )


_conditions = st.recursive(_leaf(), _combined, max_leaves=6)
_rules = st.builds(
    Rule,
    action=st.sampled_from(["allow", "ask", "deny"]),
    tool=st.sampled_from(["refund", "ref*", "*", "other"]),
    when=st.none() | _conditions,
    effects=st.booleans(),
    limit=st.none() | st.integers(0, 2),
    per=st.sampled_from(["turn", "session", "day"]),
)
_permissions = st.builds(
    Permissions,
    rules=st.lists(_rules, max_size=4).map(tuple),
    default=st.sampled_from(["allow", "ask", "deny"]),
)
_pasts = st.builds(
    Past,
    untrusted=st.sampled_from(["", "a page"]),
    in_session=st.dictionaries(st.sampled_from(["refund", "fetch"]), st.integers(0, 3)),
)
_values = st.dictionaries(st.sampled_from(["x", "y"]), _json)
_STRICTNESS: dict[Action, int] = {"allow": 0, "ask": 1, "deny": 2}


@given(_permissions, _values, _pasts, st.text(max_size=8))
def test_evaluation_never_raises(
    permissions: Permissions, values: dict[str, Any], past: Past, tool: str
) -> None:
    assert decide(permissions, values=values, past=past).action in _STRICTNESS
    assert decide(permissions, values=values, past=past, tool=tool).action in _STRICTNESS


@given(_permissions, st.lists(_permissions, max_size=3), _values, _pasts)
def test_lower_levels_only_narrow(
    upper: Permissions, lower: list[Permissions], values: dict[str, Any], past: Past
) -> None:
    alone = decide(upper, values=values, past=past).action
    together = decide(upper, *lower, values=values, past=past).action
    assert _STRICTNESS[together] >= _STRICTNESS[alone]


@given(_permissions, _rules.filter(lambda rule: rule.action == "deny"), _values, _pasts)
def test_another_deny_rule_never_widens(
    permissions: Permissions, rule: Rule, values: dict[str, Any], past: Past
) -> None:
    before = decide(permissions, values=values, past=past).action
    more = permissions.model_copy(update={"rules": (*permissions.rules, rule)})
    after = decide(more, values=values, past=past).action
    assert _STRICTNESS[after] >= _STRICTNESS[before]


@given(_permissions)
def test_permissions_survive_json(permissions: Permissions) -> None:
    text = permissions.model_dump_json()
    again = Permissions.model_validate_json(text)
    # JSON has no NaN, which equals nothing anyway.
    assert json.loads(again.model_dump_json()) == json.loads(text)
