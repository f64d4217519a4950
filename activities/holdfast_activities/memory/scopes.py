"""Where a session's memories are looked for, and where they go."""

from holdfast_workflows.contracts.memory import Memory, scope_of


def searched(memory: Memory, *, session: str, agent: str, user: str) -> tuple[str, ...]:
    """The scopes that an agent looks in: the session's own where there is no user, and so none of them.

    Never none, which to the memories are all of the tenant, every user's.
    """
    found = (scope_of(kind, session=session, agent=agent, user=user) for kind in memory.scopes)
    return tuple(scope for scope in found if scope) or (scope_of("session", session=session),)


def kept(memory: Memory, *, session: str, agent: str, user: str) -> str:
    """The scope that what is said goes to: the session's own where there is no user to keep it for."""
    return scope_of(memory.keep, session=session, agent=agent, user=user) or scope_of(
        "session", session=session
    )
