"""A model asked beside the turns: to draw facts from one, or to sum up what no longer fits.

It goes through the same breaker, rate limits and budget as a step, but nothing of a session waits
for it. Its hold is another than the session's, so that the two do not take each other's away.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from temporalio import activity

from holdfast_activities.models.base import Model, ModelReply, ModelRequest
from holdfast_activities.resilience import Resilience
from holdfast_activities.state.coordination.bucket import Rate
from holdfast_activities.state.coordination.budgets import BudgetStore
from holdfast_activities.state.log.extras import Charge
from holdfast_workflows.contracts.breakers import TenantLimits
from holdfast_workflows.contracts.budget import Allowance
from holdfast_workflows.contracts.entries import Usage, UserEntry
from holdfast_workflows.contracts.errors import BudgetExhausted, HoldfastError, ModelError
from holdfast_workflows.contracts.steps import ThinkInput

from ..common.agents import LiveAgent
from .call_limits import call_limits, provider_of, rates, report_failure
from .reservation import BudgetReservation, CostEstimate


@dataclass(frozen=True, slots=True)
class SideQuestion:
    """What a model is asked, for whom, and what it may cost.

    ``purpose`` names its hold on the accounts. ``models`` are tried in order.
    """

    session: str
    tenant: str
    purpose: str
    models: tuple[str, ...]
    instructions: str
    text: str
    max_tokens: int
    allowance: Allowance | None = None


@dataclass(frozen=True, slots=True)
class SideAnswer:
    """The answer, what it cost, and the charge that has still to be written."""

    text: str
    model: str
    usage: Usage
    charge: Charge | None


class SideCall:
    """Asks models beside the turns."""

    def __init__(self, accounts: BudgetStore, resilience: Resilience) -> None:
        self._accounts = accounts
        self._resilience = resilience

    async def ask(self, agent: LiveAgent, question: SideQuestion, tenant: TenantLimits | None) -> SideAnswer:
        """The answer of the first of the models that gives one.

        Raises:
            BudgetExhausted: The run or its tenant has no room for it.
            HoldfastError: No model answered; the error is the last one's.
        """
        problem: HoldfastError | None = None
        for name in dict.fromkeys(question.models):
            try:
                return await self._ask(agent.model(name), agent, question, tenant)
            except BudgetExhausted:
                raise
            except HoldfastError as error:
                activity.logger.warning("%s, asked to %s: %s", name, question.purpose, error)
                problem = error
        assert problem is not None, "at least one model is named"
        raise problem

    async def _ask(
        self, model: Model, agent: LiveAgent, question: SideQuestion, tenant: TenantLimits | None
    ) -> SideAnswer:
        purse = self._purse(agent, question, tenant)
        fragment = model.fragment(UserEntry(seq=1, text=question.text))
        size = len(fragment.data) + len(question.instructions)
        allowed = await purse.reserve(model, CostEstimate(size // 3, question.max_tokens))
        if not isinstance(allowed, int):
            raise BudgetExhausted(f"no room to {question.purpose}")
        request = ModelRequest(
            instructions=question.instructions,
            fragments=[fragment],
            max_tokens=allowed,
            timeout=agent.spec.model_timeout,
        )
        try:
            reply = await self._admitted(
                model, request, size // 4 + allowed, rates(model, question.tenant, tenant)
            )
        except BaseException:
            if request.consumed.usage is not None:
                purse.count(request.consumed.usage)
            await purse.release()
            raise
        return SideAnswer(reply.text, reply.model, reply.usage, purse.settle(model, reply.usage, None))

    def _purse(
        self, agent: LiveAgent, question: SideQuestion, tenant: TenantLimits | None
    ) -> BudgetReservation:
        step = ThinkInput(
            session=f"{question.session}/{question.purpose}",
            agent="",
            digest="",
            turn=0,
            step=0,
            seq=0,
            tenant=question.tenant,
            allowance=question.allowance,
        )
        return BudgetReservation(self._accounts, step, tenant, trusted=True, call=agent.spec.model_timeout)

    async def _admitted(
        self, model: Model, request: ModelRequest, estimate: int, under: Iterable[tuple[str, Rate]]
    ) -> ModelReply:
        breakers = self._resilience.breakers
        admission = await breakers.admit(f"provider:{provider_of(model.name)}")
        try:
            async with call_limits(self._resilience, under, estimate) as used:
                reply = await model.complete(request)
                used.by(reply)
        except ModelError as error:
            await report_failure(self._resilience, admission, model, error)
            raise
        except BaseException:
            # A limit said no, or the call was cancelled: nothing was learnt of the provider.
            await breakers.abandoned(admission)
            raise
        await breakers.succeeded(admission)
        return reply
