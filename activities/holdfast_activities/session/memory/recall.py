"""``recall``: search memories for a message and write them to the log before it."""

from collections.abc import Callable
from dataclasses import dataclass

from temporalio import activity

from holdfast_activities import clock
from holdfast_activities.context import Conversations, recalled
from holdfast_activities.memory.memories import Memories
from holdfast_activities.memory.scopes import searched_scopes
from holdfast_activities.state.database import State
from holdfast_workflows.contracts import names
from holdfast_workflows.contracts.agent.memory import MOST, Memory, MemoryView, RecallInput, RecallResult
from holdfast_workflows.contracts.agent.spec import MEMORY_RETRY
from holdfast_workflows.contracts.errors import HoldfastError, MemoryFailed, MemoryUnavailable, to_failure
from holdfast_workflows.contracts.session.entries import MemoryEntry, RecalledMemory

from ..common.agents import LiveAgents

MAX_WAIT = 3.0  # seconds after which a turn continues without another attempt
_LONGEST = 1_500  # characters of one memory in a prompt; stored turns may be longer

_FIELDS = set(RecalledMemory.model_fields) - {"text"}


@dataclass(frozen=True, slots=True)
class Recall:
    """The recall activity."""

    state: State
    conversations: Conversations
    agents: LiveAgents
    memories: Memories | None

    @activity.defn(name=names.RECALL)
    async def recall(self, request: RecallInput) -> RecallResult:
        """Write relevant memories to the log, if any. An entry of an earlier attempt is kept."""
        try:
            return await self._recall(request)
        except MemoryFailed as error:
            # The turn is waiting: it continues without memories rather than wait for a breaker or a hanging store.
            waited = clock.now() - activity.info().scheduled_time.timestamp()
            soon = (
                error.retryable and waited < MAX_WAIT and (error.retry_after or 0.0) <= MEMORY_RETRY.max_delay
            )
            raise to_failure(error, {"again": soon, "delay": error.retry_after}) from error
        except HoldfastError as error:
            raise to_failure(error) from error

    async def _recall(self, request: RecallInput) -> RecallResult:
        log = self.state.log
        if activity.info().attempt > 1:
            before = await log.read(request.session, request.seq, request.seq + 1)
            if before:
                return _result(before[0])
        found = await self._search(request)
        if not found:
            return RecallResult()
        memories = tuple(map(_as_recalled, found))
        text = recalled(memories)
        entry = MemoryEntry(seq=request.seq, turn=request.turn, at=clock.now(), text=text, memories=memories)
        [stored] = await log.settle(request.session, [entry])
        self.conversations.offer(request.session, [stored])
        return _result(stored)

    async def _search(self, request: RecallInput) -> list[MemoryView]:
        if self.memories is None:
            raise MemoryUnavailable("this worker has no memory store", retryable=False)
        agent = await self.agents.get(request.digest)
        memory = agent.spec.memory or Memory()
        found = await self.memories.search(
            await self._text(request),
            tenant=request.tenant,
            scopes=searched_scopes(
                memory, session=request.session, agent=request.agent, user=request.user, root=request.root
            ),
            # Extra hits replace those that are in the prompt anyway.
            limit=memory.limit + MOST,
            floor=memory.floor,
        )
        if any(view.session == request.session for view in found):
            shown = await self._shown(request.session)
            found = [view for view in found if not shown(view)]
        return found[: memory.limit]

    async def _shown(self, session: str) -> Callable[[MemoryView], bool]:
        """Return a check whether a turn of this session is still in its prompt, by the last manifest."""
        last = await self.state.manifests.newest(session)
        gone = [
            range(item.start, item.stop)
            for item in (last.items if last else ())
            if item.part in ("conversation", "task") and item.shown == "left_out"
        ]

        def shown(view: MemoryView) -> bool:
            owner, _, seq = view.id.rpartition(":")
            if view.kind != "turn" or owner != session or not seq.isdigit():
                return False
            return not any(int(seq) in each for each in gone)

        return shown

    async def _text(self, request: RecallInput) -> str:
        """Return the message; the preview, if a long message is lost."""
        stored = await self.state.load_text(request.session, request.ref) if request.ref else None
        return request.text if stored is None else stored


def _result(entry: object) -> RecallResult:
    if not isinstance(entry, MemoryEntry):
        return RecallResult()
    untrusted = any(memory.trust == "tool" for memory in entry.memories)
    return RecallResult(found=len(entry.memories), untrusted=untrusted)


def _as_recalled(view: MemoryView) -> RecalledMemory:
    text = view.text if len(view.text) <= _LONGEST else f"{view.text[: _LONGEST - 1]}…"
    return RecalledMemory(**view.model_dump(include=_FIELDS), text=text)
