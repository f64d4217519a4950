"""Standalone activities that read and store content for clients without database access."""

from temporalio import activity

from holdfast_activities.state.database import State
from holdfast_workflows.contracts import names
from holdfast_workflows.contracts.agent.app import Registry
from holdfast_workflows.contracts.errors import BadInput, HoldfastError, NothingToDo, tree
from holdfast_workflows.contracts.limits import INLINE_TEXT, MAX_PAYLOAD
from holdfast_workflows.contracts.operations.content import (
    AgentInfo,
    AgentList,
    LogPage,
    ReadLog,
    ReadText,
    ReadTurn,
    ReadValues,
    StoredText,
    StoredTurn,
    StoredValue,
    StoreText,
    TextPart,
    ValuePage,
)
from holdfast_workflows.contracts.problems import problem_of
from holdfast_workflows.contracts.session.entries import Entry
from holdfast_workflows.contracts.session.session import TurnView
from holdfast_workflows.contracts.session.steps import TurnRecord
from holdfast_workflows.contracts.text.unicode import preview, size

from ..common.failures import reports_failures
from .payload import fitting

_MAX_ENTRIES = 50
_SHARED = set(TurnView.model_fields) & set(TurnRecord.model_fields) - {"error"}


class Content:
    """The content activities."""

    def __init__(self, registry: Registry, state: State) -> None:
        self._registry = registry
        self._state = state

    @activity.defn(name=names.READ_LOG)
    @reports_failures
    async def read_log(self, ask: ReadLog) -> LogPage:
        """Return a page of a session's log that fits one payload."""
        count = min(ask.count, _MAX_ENTRIES)
        found = await self._state.log.read(ask.session, ask.start, limit=count + 1)
        unknown = not found and not await self._state.knows(ask.session)
        page = fitting(_shortened(entry, ask.text_limit) for entry in found[:count])
        following = page[-1].seq + 1 if page and len(page) < len(found) else None
        return LogPage(entries=page, next=following, unknown=unknown)

    @activity.defn(name=names.READ_TEXT)
    @reports_failures
    async def read_text(self, ask: ReadText) -> TextPart:
        """Return a part of one entry's text; offsets count characters."""
        found = await self._state.log.read(ask.session, ask.seq, ask.seq + 1)
        if not found:
            raise NothingToDo(f"session {ask.session} has no entry {ask.seq}")
        # An escaped character takes up to six bytes in a payload.
        count = max(1, min(ask.limit, MAX_PAYLOAD) // 6)
        text = found[0].text
        return TextPart(text=text[ask.offset : ask.offset + count], offset=ask.offset, total=len(text))

    @activity.defn(name=names.STORE_TEXT)
    @reports_failures
    async def store_text(self, ask: StoreText) -> StoredText:
        """Store a message that is too large for a history.

        A text that is stored stays, so a client could write a turn's instructions before its worker does.
        """
        if ask.id.startswith(names.WORKERS_TEXTS):
            raise BadInput(f"id={ask.id!r} begins like the ids of workers' own texts; give another id")
        return StoredText(ref=await self._state.store_text(ask.session, ask.id, ask.text))

    @activity.defn(name=names.READ_TURN)
    @reports_failures
    async def read_turn(self, ask: ReadTurn) -> StoredTurn:
        """Return a finished turn, or a page of them, from the state database."""
        if ask.count:
            found = await self._state.load_turns(ask.session, ask.turn, ask.count)
            return StoredTurn(views=fitting(map(turn_view, found)))
        record = await self._state.load_turn(ask.session, ask.turn)
        return StoredTurn(view=None if record is None else turn_view(record))

    @activity.defn(name=names.READ_VALUES)
    @reports_failures
    async def read_values(self, ask: ReadValues) -> ValuePage:
        """Return a page of the values that a session's tools keep."""
        board, boards = names.values_of(ask.session), self._state.boards
        keys = [each.key for each in await boards.entries(board, ask.key)]
        keys = [key for key in keys if key > ask.after and ask.key in {"", key}]
        found = await boards.read(board, keys[:_MAX_ENTRIES])
        values = (StoredValue(key=key, version=each.version, text=each.text) for key, each in found.items())
        page = fitting(sorted((each for each in values if each.text), key=lambda each: each.key))
        more = bool(page) and page[-1].key != keys[-1]
        return ValuePage(values=page, next=page[-1].key if more else "")

    @activity.defn(name=names.LIST_AGENTS)
    async def list_agents(self) -> AgentList:
        """List the agents that this worker serves."""
        return AgentList(
            agents=tuple(
                AgentInfo(
                    name=spec.name,
                    description=spec.description,
                    models=spec.models,
                    tools=tuple(tool.name for tool in spec.tools if not tool.hidden),
                    output_schema=spec.output.json_schema if spec.output else None,
                )
                for spec in self._registry.agents.values()
            )
        )


def turn_view(record: TurnRecord) -> TurnView:
    """Return the view of a stored turn."""
    kind = tree().get(record.error_code, HoldfastError)
    detail = record.error.removeprefix(str(kind())).strip().removeprefix("(").removesuffix(")")
    return TurnView(
        **{name: getattr(record, name) for name in _SHARED},
        # The record has a preview; the client reads the whole text from the log.
        reply_size=INLINE_TEXT + 1 if record.reply_seq and record.reply else size(record.reply),
        error=problem_of(kind(detail)) if record.error_code else None,
    )


def _shortened(entry: Entry, limit: int) -> Entry:
    if size(entry.text) <= limit:
        return entry
    return entry.model_copy(update={"text": preview(entry.text)})
