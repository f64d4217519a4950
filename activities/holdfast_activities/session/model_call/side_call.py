"""Model calls in the background of a session: fact extraction and summaries.

They pass the same breaker, rate limits and budget as steps. They reserve under a name of their own, so that
they and the session's steps do not replace each other's reservation.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from temporalio import activity

from holdfast_activities.context.untrusted.vault import Vault
from holdfast_activities.models.base import Model, ModelRequest
from holdfast_activities.resilience import Resilience
from holdfast_activities.state.coordination.budgets import BudgetStore
from holdfast_activities.state.log.extras import Charge
from holdfast_workflows.contracts.agent.budget import Allowance
from holdfast_workflows.contracts.errors import BudgetExhausted, HoldfastError
from holdfast_workflows.contracts.operations.breakers import TenantLimits
from holdfast_workflows.contracts.session.entries import Usage, UserEntry

from ..common.agents import LiveAgent
from .call_guard import BudgetRefused, CallGuard
from .reservation import BudgetReservation, Payer, limits_of


@dataclass(frozen=True, slots=True)
class SideQuestion:
    """A request to a model, and who pays for it. ``purpose`` names its reservation; ``models`` are tried in order."""

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
    """The answer, its usage, and the charge that the caller has to write."""

    text: str
    model: str
    usage: Usage
    charge: Charge


class SideCall:
    """Calls models in the background of a session."""

    def __init__(
        self, accounts: BudgetStore, resilience: Resilience, tenants: Mapping[str, TenantLimits]
    ) -> None:
        self._tenants = tenants
        self._accounts = accounts
        self._resilience = resilience

    async def ask(self, agent: LiveAgent, question: SideQuestion) -> SideAnswer:
        """Return the answer of the first model that gives one, or raise the error of the last one.

        BudgetExhausted if the budget of the run or tenant has no room for it.
        """
        limits = limits_of(self._tenants, question.tenant)
        payer = Payer(
            question.session,
            question.tenant,
            limits,
            question.allowance,
            agent.spec.name,
            question.purpose,
        )
        problem: HoldfastError | None = None
        for name in dict.fromkeys(question.models):
            budget = BudgetReservation(self._accounts, payer, agent.spec.model_timeout)
            try:
                return await self._ask(agent, agent.model(name), question, budget)
            except BudgetRefused as error:
                raise BudgetExhausted(f"no room to {question.purpose}") from error
            except HoldfastError as error:
                activity.logger.warning("%s, asked to %s: %s", name, question.purpose, error)
                problem = error
        assert problem is not None, "at least one model is named"
        raise problem

    async def _ask(
        self, agent: LiveAgent, model: Model, question: SideQuestion, budget: BudgetReservation
    ) -> SideAnswer:
        guard = CallGuard(self._resilience, budget, agent.spec.name)
        vault = Vault(agent.spec.pii)
        fragment = model.fragment(UserEntry(seq=1, text=vault.hidden(question.text)))
        request = ModelRequest(
            instructions=question.instructions,
            fragments=[fragment],
            max_tokens=question.max_tokens,
            timeout=agent.spec.model_timeout,
        )
        try:
            size = len(fragment.data) + len(question.instructions)
            async with guard.admit(model, size, question.max_tokens) as call:
                request = replace(request, max_tokens=call.estimate.output)
                reply = await guard.send(model, request, purpose=question.purpose)
                call.reply = reply
        except BaseException:
            guard.count_unanswered(model, request.consumed.usage)
            await budget.release()
            raise
        text = vault.restored(reply.text)
        return SideAnswer(text, reply.model, reply.usage, budget.settle(model, reply.usage, None))
