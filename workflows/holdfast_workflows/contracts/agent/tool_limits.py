"""What providers take of tools."""

import re
from collections.abc import Sequence

from ..limits import LONGEST_DESCRIPTION, MOST_TOOLS
from .spec import ToolSpec

_OPENAI = re.compile(r"(?:pydantic-ai:)?(?:openai|azure)[a-z0-9_.-]*:", re.IGNORECASE)


def openai_model(models: Sequence[str]) -> str | None:
    """The first of the models to which OpenAI's limits apply."""
    return next((each for each in models if _OPENAI.match(each)), None)


def problem(specs: Sequence[ToolSpec], models: Sequence[str]) -> str:
    """Which of OpenAI's limits the tools break, as the rest of a sentence about the agent; empty for none."""
    openai = openai_model(models)
    shown = [tool for tool in specs if not tool.hidden]
    if openai is None:
        return ""
    if len(shown) > MOST_TOOLS:
        return (
            f" has {len(shown)} tools with the built-in ones, and {openai} takes at most "
            f"{MOST_TOOLS}; remove some, or use several agents"
        )
    for tool in shown:
        if len(tool.description) > LONGEST_DESCRIPTION:
            return (
                f": tool {tool.name!r} has a description of {len(tool.description):,} characters, and "
                f"{openai} takes at most {LONGEST_DESCRIPTION:,}; shorten its docstring, or move text to the "
                "instructions or the parameters"
            )
    return ""
