"""Who started a session, the tenant and user that it belongs to, and who else has a say in its turn."""

from holdfast_workflows.contracts.agent.spec import PinnedSpec
from holdfast_workflows.contracts.control.access import Owner
from holdfast_workflows.contracts.control.assertions import SignedStart
from holdfast_workflows.contracts.control.identity import Principal
from holdfast_workflows.contracts.session.session import StartInput


class Ownership:
    """The part of a session's state that follows from its start."""

    start: StartInput
    spec: PinnedSpec | None
    principal: Principal | None = None
    """Who started the session; None without an identity provider."""
    signed: SignedStart | None = None
    """The header of the first start, until the start has been verified."""

    place_free = False
    """Whether a place of an agent may have become free since the session last asked for one."""

    children = 0
    """Child sessions that were started."""
    orphans = False
    """Whether children of a run that was reset may still run, which no call waits for."""
    steering: list[str]
    steered_by: tuple[str, ...] = ()
    """Principals whose steering the running turn, or the next one, reads."""

    def steer(self, text: str, by: str = "") -> None:
        """Add a text of a person that the model reads at the next step."""
        self.steering.append(text)
        if by and by not in self.steered_by:
            self.steered_by = (*self.steered_by, by)

    @property
    def agent(self) -> str:
        """The session's present agent; handoffs change it."""
        return self.spec.agent if self.spec else self.start.agent

    @property
    def root(self) -> str:
        """The first session of its tree, if it is another one."""
        return self.start.parent.root if self.start.parent else ""

    @property
    def parent(self) -> str:
        """The session, team or fleet that started it; empty if a client did."""
        return self.start.parent.session if self.start.parent else ""

    @property
    def started_by(self) -> str:
        """The id of the principal that started the session; empty without an identity provider."""
        return self.principal.id if self.principal else ""

    @property
    def owner(self) -> Owner | None:
        """The tenant and the user; None if they follow from a start that is not verified yet."""
        return None if self.signed else (self.start.tenant, self.start.user)

    def verified(self, principal: Principal | None, owner: Owner) -> None:
        """Take over who started the session, and the tenant and user that follow from it."""
        self.signed, self.principal = None, principal
        if principal is not None:
            self.start = self.start.model_copy(update={"tenant": owner[0], "user": owner[1]})
