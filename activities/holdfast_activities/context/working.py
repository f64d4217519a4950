"""Working memory: the plan and notes that the model wrote last, ready to be written out again."""

from holdfast_workflows.contracts.agent import builtin_tools
from holdfast_workflows.contracts.names import UPDATE_PLAN, WRITE_NOTES
from holdfast_workflows.contracts.session.entries import ReplyEntry, ResultEntry

from . import rendering
from .prompt_parts import PromptPart
from .truncation import Truncations


class Working:
    """Follows a conversation's calls of the tools that write the plan and the notes."""

    def __init__(self, forms: Truncations) -> None:
        self._forms = forms
        self._reply: ReplyEntry | None = None
        self._latest: dict[str, tuple[int, PromptPart] | None] = {UPDATE_PLAN: None, WRITE_NOTES: None}

    @property
    def written(self) -> tuple[tuple[int, PromptPart], ...]:
        """The plan and the notes as they read, each with the number of the reply that wrote them."""
        return tuple(latest for latest in self._latest.values() if latest is not None)

    def reply(self, entry: ReplyEntry) -> None:
        """A reply, whose results are next."""
        self._reply = entry

    def result(self, entry: ResultEntry) -> None:
        """A result of the last reply's calls; one that went well says that the plan or notes are written."""
        reply = self._reply
        if entry.name not in self._latest or entry.status != "ok" or reply is None:
            return
        try:
            text = _text(entry.name, reply.calls[entry.seq - reply.seq - 1].arguments, reply.step)
        except (ValueError, RecursionError):
            return
        piece = self._forms.written(reply.seq, "plan", text) if text else None
        self._latest[entry.name] = None if piece is None else (reply.seq, piece)


def _text(name: str, arguments: str, step: int) -> str:
    if name == UPDATE_PLAN:
        plan = builtin_tools.PLAN.read(arguments)
        return rendering.plan(plan, step) if plan.items else ""
    notes = builtin_tools.NOTES.read(arguments)
    return rendering.notes(notes, step) if notes.text.strip() else ""
