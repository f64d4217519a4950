"""Decide the calls of a recorded session again by other rules: the dry run."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, cast

from ..agent.app import ToolBinding
from ..base import Contract
from ..errors import ToolArgumentsInvalid
from ..names import OWN_TOOLS, TRUSTED_TOOLS
from ..public import public
from ..session.entries import Entry, MemoryEntry, ReplyEntry, ResultEntry, ResultStatus, ToolCall, UserEntry
from ..text import model_json
from ..text.unicode import preview
from ..tools.sources import ProvidedTool
from . import needs
from .evaluate import evaluate
from .named import UserWords, named
from .rules import Action, Call, Level, Past, Verdict
from .values import values_of

AnyTool = ToolBinding | ProvidedTool

_READ: tuple[ResultStatus, ...] = ("ok", "failed")


@public
class PermissionChange(Contract):
    """A recorded call that other rules would decide differently.

    ``was`` is what happened: it ran, was denied, or ran after a person had been asked. ``now`` is the new decision.
    """

    session: str
    turn: int
    seq: int
    tool: str
    arguments: str
    was: Action
    now: Action
    rule: str
    reason: str = ""


class Recorded:
    """Plays recorded sessions by a set of rules; quotas of a day are counted over all of them."""

    def __init__(self) -> None:
        self._taken: Counter[str] = Counter()

    def changes(
        self,
        session: str,
        entries: Sequence[Entry],
        levels: Sequence[Level],
        tools: Mapping[str, AnyTool],
        asked: Iterable[int] = (),
        *,
        tenant: str = "",
        user: str = "",
    ) -> list[PermissionChange]:
        """Return the calls of a session that would be decided differently; ``asked`` are those of which a person was."""
        play = _Play(levels, tools, Past(tenant=tenant, user=user, session=session), self._taken)
        results = {entry.seq: entry for entry in entries if isinstance(entry, ResultEntry)}
        found: list[PermissionChange] = []
        for entry in entries:
            if isinstance(entry, UserEntry):
                play.hear(entry)
            elif isinstance(entry, MemoryEntry):
                play.recall(entry)
            elif isinstance(entry, ReplyEntry):
                calls = [
                    (call, results[seq])
                    for seq, call in enumerate(entry.calls, entry.seq + 1)
                    if seq in results and results[seq].status in ("ok", "failed", "denied")
                ]
                found += [
                    change
                    for call, result in calls
                    if (change := _change(session, play, call, result, asked))
                ]
                for call, result in calls:
                    play.read(call.name, result)
        return found


def _change(
    session: str, play: "_Play", call: ToolCall, result: ResultEntry, asked: Iterable[int]
) -> PermissionChange | None:
    verdict = play.judge(call, result)
    if verdict is None:
        return None
    was: Action = "ask" if result.seq in set(asked) else "deny" if result.status == "denied" else "allow"
    if verdict.action == was:
        return None
    return PermissionChange(
        session=session,
        turn=result.turn,
        seq=result.seq,
        tool=call.name,
        arguments=preview(call.arguments),
        was=was,
        now=verdict.action,
        rule=verdict.rule,
        reason=verdict.reason,
    )


class _Play:
    """One session as it would have gone: its past, as the new rules would have seen it."""

    def __init__(
        self,
        levels: Sequence[Level],
        tools: Mapping[str, AnyTool],
        start: Past,
        taken: Counter[str],
    ) -> None:
        self._levels = levels
        self._tools = tools
        self._past = start
        self._taken = taken
        self._turn = 0
        self._texts: list[str] = []

    def hear(self, entry: UserEntry) -> None:
        """Take a message of the user."""
        if entry.role == "message":
            self._texts.append(entry.text)

    def recall(self, entry: MemoryEntry) -> None:
        """Take recalled memories."""
        if any(memory.trust == "tool" for memory in entry.memories):
            self._taint("a recalled memory")

    def read(self, tool: str, result: ResultEntry) -> None:
        """Take a result that the model read."""
        binding = self._tools.get(tool)
        trusted = tool in TRUSTED_TOOLS or (binding is not None and binding.spec.trusted)
        if result.status in _READ and not trusted:
            self._taint(f"the result of {tool} in turn {result.turn}")

    def _taint(self, source: str) -> None:
        self._past = self._past.model_copy(update={"untrusted": self._past.untrusted or source})

    def judge(self, call: ToolCall, result: ResultEntry) -> Verdict | None:
        """Decide a call; None if its arguments do not fit its tool any more."""
        try:
            judged = _call(call, self._tools.get(call.name), self._levels, self._texts)
        except ToolArgumentsInvalid:
            return None
        if result.turn != self._turn:
            self._turn = result.turn
            self._past = self._past.model_copy(update={"in_turn": {}})
        day = f"{datetime.fromtimestamp(result.at, UTC):%Y-%m-%d}"
        past, verdict = self._past.model_copy(update={"day": day}), Verdict(action="deny")
        while True:
            verdict = evaluate(self._levels, judged, past)
            full = {each.account for each in verdict.quotas if self._taken[each.account] >= each.limit}
            if not full:
                break
            past = past.model_copy(update={"used_up": past.used_up | full})
        if verdict.action != "deny":
            self._count(call.name, verdict)
        return verdict

    def _count(self, tool: str, verdict: Verdict) -> None:
        self._taken.update(quota.account for quota in verdict.quotas)
        in_turn, in_session = Counter(self._past.in_turn), Counter(self._past.in_session)
        in_turn.update((tool, *verdict.counted))
        in_session.update((tool, *verdict.counted))
        self._past = self._past.model_copy(update={"in_turn": dict(in_turn), "in_session": dict(in_session)})


def _call(call: ToolCall, tool: AnyTool | None, levels: Sequence[Level], texts: Sequence[str]) -> Call:
    names = needs.arguments(levels, (call.name,)).get(call.name, ())
    arguments = _arguments(call, tool)
    values = values_of(arguments, names)
    paths = needs.named(levels, (call.name,)).get(call.name, ())
    # Tools of MCP servers are not part of an App; only sessions have their specs.
    own, spec = call.name in OWN_TOOLS, tool.spec if tool else None
    return Call(
        tool=call.name,
        own=own,
        known=spec is None or not spec.hidden,
        effect=spec.effect != "none" if spec else not own,
        values=values,
        named=named(paths, arguments, values, UserWords(texts), spec.defaults if spec else {})
        if paths
        else (),
    )


def _arguments(call: ToolCall, tool: AnyTool | None) -> dict[str, Any]:
    if tool is not None and not isinstance(tool, ProvidedTool):
        return tool.validate(call.arguments)
    try:
        found: Any = model_json.parse(call.arguments) if call.arguments.strip() else {}
    except (ValueError, RecursionError) as error:
        raise ToolArgumentsInvalid(str(error)) from None
    return cast("dict[str, Any]", found) if isinstance(found, dict) else {}
