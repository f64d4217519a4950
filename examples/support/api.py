"""The HTTP side: ``uvicorn examples.support.api:api``. It needs no worker and no database, only Temporal."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterable
from contextlib import asynccontextmanager
from typing import Annotated

from fastapi import Depends, FastAPI, Header, Request
from fastapi.responses import JSONResponse
from fastapi.sse import EventSourceResponse, ServerSentEvent
from pydantic import BaseModel

from holdfast import Client, HoldfastError, Session, SessionNotFound, connect

from .app import Ticket, support, triage


@asynccontextmanager
async def lifespan(api: FastAPI) -> AsyncGenerator[None]:
    api.state.client = await connect()
    yield


api = FastAPI(title="Bookshop support", lifespan=lifespan)


@api.exception_handler(HoldfastError)
async def failed(_request: Request, error: HoldfastError) -> JSONResponse:
    """Every error has a code, a message with the remedy, and whether to try again."""
    status = {"session_busy": 409, "session_closed": 410, "session_not_found": 404}
    default = 503 if error.retryable else 400
    return JSONResponse({"code": error.code, "message": str(error)}, status.get(error.code, default))


def current_client(request: Request) -> Client:
    client: Client = request.app.state.client
    return client


def current_user(x_user: Annotated[str, Header()]) -> str:
    """Replace this by your authentication."""
    return x_user


Holdfast = Annotated[Client, Depends(current_client)]
User = Annotated[str, Depends(current_user)]


async def own_session(id: str, client: Holdfast, user: User) -> Session:
    """The user's session; another user's is not found."""
    session = client.session(id)
    if (await session.view()).user != user:
        raise SessionNotFound(id)
    return session


OwnSession = Annotated[Session, Depends(own_session)]


class Text(BaseModel):
    text: str


class Conversation(BaseModel):
    id: str
    ticket: Ticket


@api.post("/conversations", status_code=201)
async def start(message: Text, client: Holdfast, user: User) -> Conversation:
    ticket = await client.run(triage, message.text, user=user)
    session = await client.start(
        support, message.text, user=user, priority=1 if ticket.urgent else 3, streaming=True
    )
    return Conversation(id=session.id, ticket=ticket)


@api.post("/conversations/{id}/messages", status_code=202)
async def send(message: Text, session: OwnSession) -> dict[str, int]:
    reply = await session.send(message.text, wait=False, streaming=True)
    return {"turn": reply.turn}


@api.get("/conversations/{id}/events", response_class=EventSourceResponse)
async def events(
    session: OwnSession, last_event_id: Annotated[str | None, Header()] = None
) -> AsyncIterable[ServerSentEvent]:
    """Follow the running turn, or the last one; a browser that reconnects continues where it was."""
    async for event in session.stream(after=last_event_id):
        yield ServerSentEvent(event=event.kind, id=event.id, data=event)
