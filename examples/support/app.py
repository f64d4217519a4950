"""The agents: ``holdfast dev examples.support.app:app``."""

from __future__ import annotations

import os
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Literal

from pydantic import BaseModel

from holdfast import (
    Agent,
    App,
    Budget,
    CachedReply,
    ErrorReply,
    InstructionsContext,
    Memory,
    TenantLimits,
)

from .orders import Orders, open_orders
from .tools import change_address, email_customer, find_orders, refund_order, reserve_book, search_help

MODELS = ["openai:gpt-5-mini", "anthropic:claude-sonnet-4-5"]


def instructions(ctx: InstructionsContext) -> str:
    """The support agent's instructions, made once for each turn."""
    return (
        "You help customers of a bookshop. Look orders up before you speak about them. Refund an order only when"
        " the customer asks for it, and give the receipt. Answer in two or three sentences."
        f" Today is {ctx.now:%A, %d %B %Y}."
    )


class Ticket(BaseModel):
    """What a message is about."""

    topic: Literal["order", "refund", "other"]
    urgent: bool
    summary: str


triage = Agent(
    "triage",
    model=MODELS,
    instructions="Sort the message of a customer of a bookshop.",
    output_type=Ticket,
    max_steps=3,
)

support = Agent(
    "support",
    model=MODELS,
    instructions=instructions,
    tools=[search_help, find_orders, change_address, reserve_book, refund_order, email_customer],
    description="Answers customers and takes care of their orders.",
    max_steps=12,
    memory=Memory(),
    budget=Budget(dollars=0.50, tool_calls=40, when_spent="finish"),
    fallbacks=[
        CachedReply(max_age=600),
        ErrorReply(text="We cannot answer at the moment ({id}). {retry}"),
    ],
)


@asynccontextmanager
async def lifespan(_app: App) -> AsyncGenerator[Orders]:
    """Open what the tools of a worker share, before it takes work; a tool finds it in ``ctx.deps``."""
    path = Path(os.environ.get("SHOP_DATABASE", ".holdfast/bookshop.db"))
    async with open_orders(path, float(os.environ.get("BANK_SECONDS", "0.5"))) as orders:
        yield orders


app = App(
    name="bookshop",
    agents=[support, triage],
    lifespan=lifespan,
    tenants={"*": TenantLimits(requests_per_minute=300, dollars_per_day=50)},
)
