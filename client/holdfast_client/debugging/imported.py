"""Reading a session from a bundle: the reading methods of a session, without a server."""

from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any, Final, TypeVar

from pydantic import TypeAdapter, ValidationError

from holdfast_temporal import data_converter
from holdfast_workflows.contracts.errors import BadInput, NothingToDo
from holdfast_workflows.contracts.operations.debugging import DebugRecord
from holdfast_workflows.contracts.operations.effects import EffectView
from holdfast_workflows.contracts.operations.sessions import ENDED
from holdfast_workflows.contracts.public import public
from holdfast_workflows.contracts.session.entries import Entry
from holdfast_workflows.contracts.session.manifests import Manifest
from holdfast_workflows.contracts.session.session import SessionView, TurnView
from holdfast_workflows.contracts.tools.session_values import SessionValue

from . import tracing
from .bundle import Bundle
from .findings import Now
from .spans import Trace

T = TypeVar("T")

_ENTRY: Final[TypeAdapter[Entry]] = TypeAdapter(Entry)
_VALUE: Final = TypeAdapter(SessionValue)
_VIEW, _TURN = TypeAdapter(SessionView), TypeAdapter(TurnView)
_MANIFEST, _EFFECT, _DEBUG = TypeAdapter(Manifest), TypeAdapter(EffectView), TypeAdapter(DebugRecord)


@public
class ImportedSession:
    """A session in a bundle, read-only. Made by ``open_bundle``; its methods are those of ``Session``."""

    def __init__(self, bundle: Bundle) -> None:
        self._bundle = bundle

    @property
    def id(self) -> str:
        """The session's id."""
        return self._bundle.about.session

    @property
    def exported(self) -> float:
        """When it was exported, in seconds since 1970."""
        return self._bundle.about.exported

    @property
    def missing(self) -> tuple[str, ...]:
        """What the bundle lacks, and why."""
        return self._bundle.about.missing

    def __repr__(self) -> str:
        return f"ImportedSession({self.id!r})"

    async def view(self, since: int | None = None) -> SessionView:
        """Return the session's state when it was exported, with its events from number ``since`` on.

        Raises:
            NothingToDo: No worker answered when it was exported.
        """
        found = self._bundle.document("view")
        if found is None:
            raise NothingToDo(f"the bundle has no state of {self.id}: {'; '.join(self.missing)}")
        view = self._valid(_VIEW, found)
        events = () if since is None else tuple(each for each in view.events if each.n >= since)
        # A session that was terminated while it ran does not know it.
        ended = self._bundle.description().workflow_execution_info.status
        status = next((status for kind, status in ENDED.items() if int(kind) == ended), view.status)
        return view.model_copy(update={"events": events, "status": status})

    async def turns(self) -> AsyncGenerator[TurnView]:
        """Yield every turn that had begun."""
        for found in self._bundle.lines("turns"):
            yield self._valid(_TURN, found)

    async def transcript(self, start: int = 0) -> AsyncGenerator[Entry]:
        """Yield every message, reply and result from a sequence number on, with full texts."""
        for found in self._bundle.lines("log"):
            entry = self._valid(_ENTRY, found)
            if entry.seq >= start:
                yield entry

    log = transcript

    async def prompts(self) -> AsyncGenerator[Manifest]:
        """Yield the manifest of each model call's prompt, in order, with its instructions."""
        for found in self._bundle.lines("prompts"):
            yield self._valid(_MANIFEST, found)

    async def prompt(self, step: int | None = None, *, turn: int | None = None) -> Manifest:
        """Return the manifest of one step's prompt, as ``Session.prompt`` does."""
        last: Manifest | None = None
        async for manifest in self.prompts():
            if step in {None, manifest.step} and turn in {None, manifest.turn}:
                last = manifest
        if last is None:
            raise NothingToDo(
                f"{self.id} has no such model call with a manifest; `holdfast prompt` lists them"
            )
        return last

    async def effects(self) -> tuple[EffectView, ...]:
        """Return the session's entries in the effect ledger, in order."""
        return tuple(self._valid(_EFFECT, found) for found in self._bundle.lines("effects"))

    async def state(self, key: str = "") -> tuple[SessionValue, ...]:
        """Return the values that the session's tools kept, by key; with ``key`` only that one."""
        values = (self._valid(_VALUE, found) for found in self._bundle.lines("state"))
        return tuple(each for each in values if key in {"", each.key})

    async def trace(self, turn: int | None = None, *, last: int | None = tracing.TURNS) -> Trace:
        """Return where the time went, up to the export."""
        found = self._bundle.description()
        records = tracing.records_of(self._bundle.runs(), found, data_converter)
        views = [each async for each in self.turns()]
        made = tracing.build(self.id, records, Now.of(found, self.exported, {}), views)
        return tracing.chosen(made, turn, last)

    async def debug_records(self) -> AsyncGenerator[DebugRecord]:
        """Yield the records of debug mode."""
        for found in self._bundle.lines("debug"):
            yield self._valid(_DEBUG, found)

    async def configuration(self) -> dict[str, Any]:
        """Return what the session ran with: the agent's spec, its workers' settings and versions."""
        return self._bundle.document("configuration") or {}

    def _valid(self, kind: TypeAdapter[T], found: Any) -> T:
        try:
            return kind.validate_python(found)
        except ValidationError as error:
            problem = error.errors()[0]["msg"]
            raise BadInput(f"the bundle of {self.id} is damaged: {problem}; export it again") from error


def open_bundle(path: Path | str) -> ImportedSession:
    """Open a bundle that ``Session.export`` or ``holdfast export`` wrote; no server is needed.

    Raises:
        BadInput: The file is not a bundle, is damaged, or is of a newer version.
    """
    return ImportedSession(Bundle(Path(path)))


public(open_bundle)
