"""``remember_turn``: store a finished turn verbatim, with facts that a model extracts from it.

The first attempt writes the result to the outbox; later attempts find it there and do not call the model again.
"""

from dataclasses import dataclass
from datetime import UTC, datetime

from temporalio import activity

from holdfast_activities.memory.memories import Memories
from holdfast_activities.memory.outbox.applying import Applying
from holdfast_activities.memory.outbox.changes import Change, FactDraft
from holdfast_activities.memory.scopes import searched_scopes, stored_scope
from holdfast_activities.state.base import Log
from holdfast_activities.state.coordination.budgets import BudgetStore
from holdfast_workflows.contracts import names
from holdfast_workflows.contracts.agent.memory import Memory, MemoryView, RememberInput, RememberResult
from holdfast_workflows.contracts.errors import HoldfastError, ModelError
from holdfast_workflows.contracts.session.entries import Usage

from ..common.agents import LiveAgent, LiveAgents
from ..common.failures import reports_failures
from ..common.heartbeat import Heartbeat
from ..model_call.side_call import SideCall, SideQuestion
from . import fact_extraction as facts
from . import turn_text
from .turn_text import TurnText

_RELATED = 10
_RELEVANT = 0.2
_ANSWER = 1_500  # tokens
_TRIES = 3


@dataclass(frozen=True, slots=True)
class RememberTurn:
    """The activity that stores turns."""

    log: Log
    accounts: BudgetStore
    agents: LiveAgents
    memories: Memories | None
    applying: Applying
    side_call: SideCall

    @activity.defn(name=names.REMEMBER_TURN)
    @reports_failures
    async def remember_turn(self, request: RememberInput) -> RememberResult:
        """Store a turn, now or when the store is available again."""
        with Heartbeat():
            return await self._remember(request)

    async def _remember(self, request: RememberInput) -> RememberResult:
        id = f"{request.session}:{request.turn}"
        if request.resets:
            id = f"{id}:{request.resets}"
        item = await self.applying.recorded(id)
        if item is None:
            change, answer = await self._decide(request, id)
            item = await self.applying.record(change, request.session, answer.model_dump_json())
            if item is None:  # the session was erased
                return RememberResult(usage=answer.usage)
        result = RememberResult.model_validate_json(item.answer)
        return result.model_copy(update={"pending": not item.applied})

    async def _decide(self, request: RememberInput, id: str) -> tuple[Change, RememberResult]:
        agent = await self.agents.get(request.digest)
        memory = agent.spec.memory or Memory()
        turn = await turn_text.read(self.log, request)
        drafts = turn_text.drafts(turn, request, memory)
        found: tuple[FactDraft, ...] = ()
        usage = Usage()
        if memory.facts and turn.messages:
            found, usage = await self._extract(turn, request, agent, memory)
        change = Change(id=id, tenant=request.tenant, at=turn.at, turns=drafts, facts=found)
        return change, RememberResult(turns=len(drafts), facts=len(found), usage=usage)

    async def _extract(
        self, turn: TurnText, request: RememberInput, agent: LiveAgent, memory: Memory
    ) -> tuple[tuple[FactDraft, ...], Usage]:
        """Extract facts from a turn. If no model is available, log a warning and return none."""
        known = await self._known(turn, request, memory)
        day = datetime.fromtimestamp(turn.at, UTC).date().isoformat()
        question = SideQuestion(
            session=request.session,
            tenant=request.tenant,
            purpose="remember",
            models=(memory.model or agent.spec.models[-1],),
            instructions=facts.INSTRUCTIONS,
            text=facts.question(turn.texts(), known, day),
            max_tokens=_ANSWER,
            allowance=request.allowance,
        )
        try:
            answer = await self.side_call.ask(agent, question)
        except HoldfastError as error:
            if isinstance(error, ModelError) and error.retryable and activity.info().attempt < _TRIES:
                raise
            activity.logger.warning("no facts were extracted from turn %d: %s", request.turn, error)
            return (), Usage()
        await self.accounts.charge(answer.charge)
        common = FactDraft(
            id=f"{request.session}:{request.turn}:fact",
            scope=stored_scope(
                memory, session=request.session, agent=request.agent, user=request.user, root=request.root
            ),
            text="",
            at=turn.at,
            session=request.session,
            sources=tuple(draft.id for draft in turn_text.drafts(turn, request, memory)),
        )
        texts = turn.texts(turn_text.CHECKED)
        return facts.read(answer.text, common, known, texts, untrusted=request.untrusted), answer.usage

    async def _known(self, turn: TurnText, request: RememberInput, memory: Memory) -> tuple[MemoryView, ...]:
        """Return known facts related to the turn; none if the store is down."""
        if self.memories is None:
            return ()
        try:
            found = await self.memories.search(
                turn.message,
                tenant=request.tenant,
                scopes=searched_scopes(
                    memory, session=request.session, agent=request.agent, user=request.user, root=request.root
                ),
                kinds=("fact",),
                limit=_RELATED,
                floor=_RELEVANT,
            )
        except HoldfastError as error:
            activity.logger.warning("facts are extracted without the known facts: %s", error)
            return ()
        return tuple(found)
