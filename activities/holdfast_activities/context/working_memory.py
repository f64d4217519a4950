"""Working memory: the latest plan and notes of the model, to be repeated when their steps are left out."""

from holdfast_workflows.contracts.agent import builtin_tools
from holdfast_workflows.contracts.names import UPDATE_PLAN, WRITE_NOTES
from holdfast_workflows.contracts.session.entries import ReplyEntry, ResultEntry

from .prompt import rendering
from .prompt.prompt_parts import PromptPart
from .prompt.truncation import Truncations


class WorkingMemory:
    """Follows the calls of the tools that write the plan and the notes."""

    def __init__(self, truncations: Truncations) -> None:
        self._truncations = truncations
        self._reply: ReplyEntry | None = None
        self._latest: dict[str, tuple[int, PromptPart] | None] = {UPDATE_PLAN: None, WRITE_NOTES: None}

    @property
    def parts(self) -> tuple[tuple[int, PromptPart], ...]:
        """The plan and the notes, each with the number of the reply that wrote it."""
        return tuple(latest for latest in self._latest.values() if latest is not None)

    def reply(self, entry: ReplyEntry) -> None:
        """Take a reply; its results follow."""
        self._reply = entry

    def result(self, entry: ResultEntry) -> None:
        """Take a result of the last reply's calls."""
        reply = self._reply
        if entry.name not in self._latest or entry.status != "ok" or reply is None:
            return
        try:
            text = _text(entry.name, reply.calls[entry.seq - reply.seq - 1].arguments, reply.step)
        except (ValueError, RecursionError):
            return
        self._latest[entry.name] = (
            (reply.seq, self._truncations.leading(reply.seq, "plan", text)) if text else None
        )


def _text(name: str, arguments: str, step: int) -> str:
    if name == UPDATE_PLAN:
        plan = builtin_tools.PLAN.read(arguments)
        return rendering.plan(plan, step) if plan.items else ""
    notes = builtin_tools.NOTES.read(arguments)
    return rendering.notes(notes, step) if notes.text.strip() else ""
