"""Decide a call by the rules of all levels: deny first, then ask, then allow."""

import json
from collections.abc import Sequence
from typing import Final

from .conditions import holds, matches_tool
from .needs import about_untrusted
from .rules import Action, Call, CountScope, Level, Past, Quota, Rule, Verdict

_ORDER: Final[tuple[Action, ...]] = ("deny", "ask", "allow")
_STRICTNESS: Final[dict[Action, int]] = {"allow": 0, "ask": 1, "deny": 2}
_UNKNOWN_TOOL = Verdict(action="deny", rule="unknown tools are denied", reason="the agent has no such tool")


def evaluate(levels: Sequence[Level], call: Call, past: Past) -> Verdict:
    """Decide a call. The strictest level decides, so that none can widen what another one permits."""
    if not call.known:
        return _UNKNOWN_TOOL
    verdicts = [_level(level, call, past) for level in levels]
    decided = max(verdicts, key=lambda each: _STRICTNESS[each.action], default=Verdict(action="allow"))
    if decided.action == "deny":
        return decided
    if decided.action == "allow":
        # The rule of the innermost level that has one is the most specific.
        decided = next((each for each in reversed(verdicts) if each.rule), decided)
    quotas = tuple(dict.fromkeys(quota for each in verdicts for quota in each.quotas))
    counted = tuple(dict.fromkeys(key for each in verdicts for key in each.counted))
    return decided.model_copy(update={"quotas": quotas, "counted": counted})


def _level(level: Level, call: Call, past: Past) -> Verdict:
    rules = [rule for rule in level.permissions.rules if _names(rule, call)]
    relied: list[Rule] = []
    for action in _ORDER:
        for rule in rules:
            if rule.action != action:
                continue
            matched, counts = _matches(rule, call, past)
            if counts:
                relied.append(rule)
            if matched:
                return _counting(_verdict(level, rule, call, past), relied, past)
    default = level.permissions.default
    if any(rule.action == "allow" for rule in rules):
        return _counting(_missed(level, "deny" if default == "allow" else default, rules, past), relied, past)
    verdict = Verdict(action="allow")
    if not call.own and default != "allow":
        verdict = Verdict(
            action=default, rule=f"{level.name}: {default} by default", reason="no rule allows it"
        )
    return _counting(verdict, relied, past)


def _counting(verdict: Verdict, relied: Sequence[Rule], past: Past) -> Verdict:
    """The verdict with what the rules that it relies on count."""
    quotas = tuple(quota(rule, past) for rule in relied if rule.shared)
    return verdict.model_copy(
        update={"quotas": quotas, "counted": tuple(rule.key for rule in relied if not rule.shared)}
    )


def _missed(level: Level, action: Action, rules: list[Rule], past: Past) -> Verdict:
    """The verdict on a tool of which allow rules permit other calls."""
    allowing = [rule for rule in rules if rule.action == "allow"]
    reason = "it is not one of the calls that are allowed"
    if any(rule.limit is not None and _is_over(rule, past) for rule in allowing):
        reason = "the calls that are allowed are used up"
    return Verdict(action=action, rule=f"{level.name}: {'; '.join(map(str, allowing))}", reason=reason)


def _names(rule: Rule, call: Call) -> bool:
    return matches_tool(rule.tool, call.tool) and (call.effect or not rule.effects)


def _matches(rule: Rule, call: Call, past: Past) -> tuple[bool, bool]:
    """Whether a rule matches, and whether it counts the call within its limit."""
    held = True if rule.when is None else holds(rule.when, call, past)
    if held is False or (held is None and rule.action == "allow"):
        return False, False
    if rule.limit is None:
        return True, False
    over = _is_over(rule, past)
    return over != (rule.action == "allow"), not over


def _is_over(rule: Rule, past: Past) -> bool:
    if rule.shared:
        return quota(rule, past).account in past.used_up
    counts = past.in_turn if rule.per == "turn" else past.in_session
    return counts.get(rule.key, 0) >= (rule.limit or 0)


def quota(rule: Rule, past: Past) -> Quota:
    """Return the place in the state database that a call takes by a rule with ``per="day"``."""
    owners: dict[CountScope, list[str]] = {
        "tenant": [past.tenant],
        "user": [past.tenant, past.user],
        "session": [past.session],
    }
    # JSON keeps the parts apart, whatever the names of tenants and users contain.
    account = json.dumps([past.day, rule.tool, rule.key, rule.scope, *owners[rule.scope]])
    return Quota(account=account, limit=rule.limit or 0)


def _verdict(level: Level, rule: Rule, call: Call, past: Past) -> Verdict:
    reason = rule.reason
    if not reason and rule.when is not None and holds(rule.when, call, past) is None:
        reason = "its arguments cannot be judged"
    if not reason and past.untrusted and about_untrusted(rule.when):
        reason = f"untrusted content was read: {past.untrusted}"
    return Verdict(action=rule.action, rule=f"{level.name}: {rule}", reason=reason)
