"""The next version: start its workers, then stop the old ones with SIGTERM.

- The tool has a new name; sessions that began with the old one call it by its alias.
- The instructions are new; running sessions keep theirs until ``session.repin()``.
- There is a second agent; what reaches an old worker is offered to the others.
"""

from __future__ import annotations

from holdfast import Agent, App, tool


@tool(aliases=["stock"])
async def find_copies(title: str) -> str:
    """How many copies of a book are in stock, and where.

    Args:
        title: The full title.
    """
    return f"{title}: 2 copies in the shop, 1 in the store"


clerk = Agent(
    "clerk",
    model="openai:gpt-5-mini",
    instructions="Answer in one sentence, and name the place.",
    tools=[find_copies],
)
buyer = Agent("buyer", model="openai:gpt-5-mini", instructions="Suggest one title to order.")
app = App(name="counter", agents=[clerk, buyer])
