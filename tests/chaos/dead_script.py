"""A model that is dead for as long as a file is there."""

from __future__ import annotations

import os
from pathlib import Path

from holdfast.testing import Reply, Request, failed

from .script import WITNESS, note, reply


def switch(witness: Path) -> Path:
    """The file that makes the provider dead."""
    return witness.with_name("dead")


def script(request: Request) -> Reply:
    """The provider in OpenAI form can be dead; the one in Anthropic form is another, and lives."""
    dead = request.wire == "openai" and switch(Path(os.environ[WITNESS])).exists()
    note(request, provider=request.wire, dead=dead)
    return failed(503, "The provider is down.") if dead else reply(request)
