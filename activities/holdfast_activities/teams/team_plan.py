"""What a team does next: a pure function of the request and of the results so far.

A template of a task may contain ``{request}``, ``{previous}`` and ``{before}``.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Final

from holdfast_workflows.contracts.errors import ChildFailed
from holdfast_workflows.contracts.session.entries import ResultEntry
from holdfast_workflows.contracts.teams.team import TeamMember, TeamSpec

Results = Sequence[Sequence[ResultEntry]]
"""The results of each step of the team, in the order of its calls."""

Calls = Sequence[tuple[str, Mapping[str, object]]]
"""Tools of the team with their arguments."""

_FIELD: Final = re.compile(r"\{(request|previous|before)\}")

_FIRST: Final = "{request}"
_NEXT: Final = "{request}\n\nThe work so far, by {before}:\n\n{previous}"
_SIDE: Final = "{request}\n\nThe debate so far:\n\n{previous}"
_JUDGE: Final = (
    "Judge this debate, and give the answer. What is debated:\n\n{request}\n\nThe debate:\n\n{previous}"
)
_COMBINE: Final = (
    "Combine these results into one answer. The request:\n\n{request}\n\nThe results:\n\n{previous}"
)


def decide(team: TeamSpec, request: str, results: Results) -> Calls | str:
    """Return the calls of the team's next step, or its reply.

    Raises:
        ChildFailed: The team cannot go on.
    """
    if team.kind == "pipeline":
        return _pipeline(team, request, results)
    return _rounds(team, request, results)


def steps_of(team: TeamSpec) -> int:
    """Return the number of steps with calls that a team takes."""
    if team.kind == "pipeline":
        return len(team.members)
    return team.rounds + (team.last is not None)


def _pipeline(team: TeamSpec, request: str, results: Results) -> Calls | str:
    place, before, previous = len(results), "", ""
    if results:
        before, previous = team.members[place - 1].agent, _done(results[-1][0])
    if place == len(team.members):
        return previous
    return [_call(team.members[place], _NEXT if results else _FIRST, request, previous, before)]


def _rounds(team: TeamSpec, request: str, results: Results) -> Calls | str:
    """Rounds of a debate, or the only one of a parallel team; then the last agent, if there is one."""
    if len(results) < team.rounds:
        so_far = _transcript(team, results)
        if team.join != "all":
            tasks = [
                {"agent": each.agent, "task": _task(each, _FIRST, request, so_far)} for each in team.members
            ]
            return [(team.members[0].tool, {"tasks": tasks})]
        return [_call(each, _SIDE if results else _FIRST, request, so_far) for each in team.members]
    if len(results) > team.rounds:
        return _done(results[-1][0])
    if team.join == "all" and all(each.status != "ok" for each in results[-1]):
        raise ChildFailed(f"no agent of the team has replied\n\n{_transcript(team, results)}")
    previous = _transcript(team, results) if team.join == "all" else _done(results[0][0])
    if team.last is None:
        return previous
    template = _JUDGE if team.kind == "debate" else _COMBINE
    return [_call(team.last, template, request, previous)]


def _transcript(team: TeamSpec, results: Results) -> str:
    sections: list[str] = []
    for number, done in enumerate(results, 1):
        for member, result in zip(team.members, done, strict=True):
            title = f"{member.agent}, round {number}" if team.rounds > 1 else member.agent
            text = result.text if result.status == "ok" else f"(no reply: {result.text})"
            sections.append(f"## {title}\n\n{text}")
    return "\n\n".join(sections)


def _done(result: ResultEntry) -> str:
    if result.status != "ok":
        raise ChildFailed(result.text.removeprefix("error: "))
    return result.text


def _call(
    member: TeamMember, template: str, request: str, previous: str, before: str = ""
) -> tuple[str, Mapping[str, object]]:
    return member.tool, {"task": _task(member, template, request, previous, before)}


def _task(member: TeamMember, template: str, request: str, previous: str, before: str = "") -> str:
    # In one pass, so that a text which contains a field is not filled in.
    values = {"request": request, "previous": previous, "before": before}
    return _FIELD.sub(lambda found: values[found[1]], member.task or template)
