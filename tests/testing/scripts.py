"""Scripts that a server in another process loads by name."""

from holdfast.testing import Reply, Request, call, say


def by_results(request: Request) -> Reply:
    """Two calls one after another, then the end."""
    if request.results < 2:
        return call("look", {"at": request.conversation})
    return say(f"done with {request.conversation}")


GREETING = [say("Hello.")]
