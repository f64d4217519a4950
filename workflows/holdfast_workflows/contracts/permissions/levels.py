"""The levels of rules that apply to a session, the outermost first."""

from ..agent.app import Registry
from ..agent.spec import AgentSpec
from .rules import Level, LevelName, Permissions


def levels_of(
    registry: Registry, spec: AgentSpec, tenant: str, session: Permissions | None = None
) -> tuple[Level, ...]:
    """Return the rules for a session of an agent and a tenant, with those that the session was started with."""
    tenants = registry.tenants
    limits = tenants.get(tenant, tenants.get("*")) if tenant else None
    given: tuple[tuple[LevelName, Permissions | None], ...] = (
        ("app", registry.permissions),
        ("tenant", limits.permissions if limits else None),
        ("agent", spec.permissions),
        ("session", session),
    )
    return tuple(Level(name=name, permissions=each) for name, each in given if each is not None)
