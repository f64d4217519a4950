"""The scopes that a session reads memories from and writes them to."""

from holdfast_workflows.contracts.agent.memory import Memory, scope_of


def searched_scopes(
    memory: Memory, *, session: str, agent: str, user: str, root: str = ""
) -> tuple[str, ...]:
    """Return the scopes that an agent searches; without any, the session's own scope.

    Never empty: an empty list would search the whole tenant, including other users.
    """
    found = (scope_of(kind, session=session, agent=agent, user=user, root=root) for kind in memory.scopes)
    return tuple(scope for scope in found if scope) or (scope_of("session", session=session),)


def stored_scope(memory: Memory, *, session: str, agent: str, user: str, root: str = "") -> str:
    """Return the scope that turns are stored in; without a user, the session's own."""
    return scope_of(memory.keep, session=session, agent=agent, user=user, root=root) or scope_of(
        "session", session=session
    )
