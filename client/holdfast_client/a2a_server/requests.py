"""The requests of A2A. Importing it takes half a second: the ``a2a`` package."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing, suppress
from dataclasses import dataclass
from typing import Any, Final, NoReturn

from a2a.server.context import ServerCallContext
from a2a.server.request_handlers.request_handler import (
    RequestHandler,
    validate_request_params,  # pyright: ignore[reportUnknownVariableType] # its parameter is a bare Callable
)
from a2a.types import (
    CancelTaskRequest,
    GetTaskRequest,
    ListTasksRequest,
    ListTasksResponse,
    SendMessageRequest,
    SubscribeToTaskRequest,
    Task,
)
from a2a.utils.errors import (
    InvalidParamsError,
    PushNotificationNotSupportedError,
    TaskNotCancelableError,
    UnsupportedOperationError,
)
from a2a.utils.task import apply_history_length, validate_history_length

from holdfast_workflows.contracts.errors import NothingToDo, SessionClosed, TurnNotEnded

from . import listing
from .callers import Caller, Place, checked_context
from .errors import translated
from .messages import answer_of, text_of
from .tasks import Known, Tasks
from .updates import Update, Updates

CALLER: Final = "holdfast/caller"
"""In the state of a request's context: its ``Caller``."""

_CANCELLING: Final = 15.0
"""Seconds for a cancelled task to end its tools."""

_LONGEST: Final = 3_600.0
"""Seconds for which a request without ``returnImmediately`` waits; its task goes on."""


@dataclass(frozen=True, slots=True)
class _Delivered:
    """A delivered message: its task, and the item that it answered."""

    place: Place
    answered: str = ""


class Requests(RequestHandler):
    """Answers requests; it keeps nothing, so any process can answer the next one."""

    @validate_request_params
    async def on_message_send(self, params: SendMessageRequest, context: ServerCallContext) -> Task:
        tasks = Tasks(_caller(context))
        validate_history_length(params.configuration)
        with translated():
            delivered = await self._deliver(tasks, params, streaming=False)
            if not params.configuration.return_immediately:
                with suppress(TimeoutError):
                    async with asyncio.timeout(_LONGEST):
                        await _read(Updates(tasks, delivered.place, delivered.answered).follow())
            task = await tasks.task(delivered.place)
        return apply_history_length(task, params.configuration)

    @validate_request_params
    async def on_message_send_stream(
        self, params: SendMessageRequest, context: ServerCallContext
    ) -> AsyncGenerator[Task | Update]:
        tasks = Tasks(_caller(context))
        validate_history_length(params.configuration)
        with translated():
            delivered = await self._deliver(tasks, params, streaming=True)
            known = await tasks.find(delivered.place)
            yield apply_history_length(await tasks.describe(known), params.configuration)
            if not known.ended:
                async for update in Updates(tasks, delivered.place, delivered.answered).follow():
                    yield update

    @validate_request_params
    async def on_subscribe_to_task(
        self, params: SubscribeToTaskRequest, context: ServerCallContext
    ) -> AsyncGenerator[Task | Update]:
        tasks, place = Tasks(_caller(context)), Place.of(params.id)
        with translated():
            known = await tasks.find(place)
            if known.ended:
                raise UnsupportedOperationError(f"task {params.id} has ended; get it instead")
            yield await tasks.describe(known)
            async for update in Updates(tasks, place).follow():
                yield update

    @validate_request_params
    async def on_get_task(self, params: GetTaskRequest, context: ServerCallContext) -> Task:
        validate_history_length(params)
        with translated():
            task = await Tasks(_caller(context)).task(Place.of(params.id))
        return apply_history_length(task, params)

    @validate_request_params
    async def on_list_tasks(self, params: ListTasksRequest, context: ServerCallContext) -> ListTasksResponse:
        validate_history_length(params)
        with translated():
            return await listing.page(Tasks(_caller(context)), params)

    @validate_request_params
    async def on_cancel_task(self, params: CancelTaskRequest, context: ServerCallContext) -> Task:
        tasks, place = Tasks(_caller(context)), Place.of(params.id)
        with translated():
            known = await tasks.find(place)
            if known.turn.status != "running":
                raise TaskNotCancelableError(_not_cancelable(known))
            try:
                with suppress(TurnNotEnded):
                    await tasks.session(place.context).cancel(
                        "cancelled by the A2A client", timeout=_CANCELLING
                    )
            except NothingToDo as error:
                raise TaskNotCancelableError(f"task {params.id} has ended") from error
            return await tasks.task(place)

    async def _deliver(self, tasks: Tasks, params: SendMessageRequest, *, streaming: bool) -> _Delivered:
        """Give a message to its task, or make a task of it. A message that is sent again makes no second task."""
        message = params.message
        if message.task_id:
            return await self._answer(tasks, params)
        text = text_of(message)
        caller, given = tasks.caller, message.context_id
        context = checked_context(given) if given else caller.context_for(message.message_id)
        session = await caller.client.start(
            caller.agent, id=caller.session_id(context), tenant=caller.tenant, user=caller.user
        )
        try:
            reply = await session.send(text, wait=False, streaming=streaming, id=message.message_id)
        except SessionClosed as error:
            raise InvalidParamsError(
                f"context {context} is closed; send the message without a contextId"
            ) from error
        return _Delivered(Place(context, reply.turn))

    async def _answer(self, tasks: Tasks, params: SendMessageRequest) -> _Delivered:
        message = params.message
        place = Place.of(message.task_id)
        if message.context_id not in ("", place.context):
            raise InvalidParamsError(f"task {message.task_id} is not in context {message.context_id!r}")
        known = await tasks.find(place)
        if known.asked is None:
            state = "has ended" if known.ended else "does not wait for input"
            raise UnsupportedOperationError(
                f"task {message.task_id} {state}; send the message without a taskId for a new task in its context"
            )
        given, session = answer_of(message.parts, known.asked), tasks.session(place.context)
        item, by = known.asked.id, tasks.caller.user
        match given.action:
            case "approve":
                await session.approve(item, arguments=given.arguments, text=given.text, by=by)
            case "reject":
                await session.reject(item, given.text, by=by)
            case "confirm" | "retry" | "give_up" | "give_back":
                await session.answer(item, given.action, text=given.text, by=by)
            case _:
                raise InvalidParamsError(f"the action {given.action!r} is not for clients")
        return _Delivered(place, item)

    async def on_create_task_push_notification_config(
        self, params: Any, context: ServerCallContext
    ) -> NoReturn:
        raise PushNotificationNotSupportedError

    async def on_get_task_push_notification_config(self, params: Any, context: ServerCallContext) -> NoReturn:
        raise PushNotificationNotSupportedError

    async def on_list_task_push_notification_configs(
        self, params: Any, context: ServerCallContext
    ) -> NoReturn:
        raise PushNotificationNotSupportedError

    async def on_delete_task_push_notification_config(
        self, params: Any, context: ServerCallContext
    ) -> NoReturn:
        raise PushNotificationNotSupportedError

    async def on_get_extended_agent_card(self, params: Any, context: ServerCallContext) -> NoReturn:
        raise UnsupportedOperationError("the card of the agent is complete")


def _caller(context: ServerCallContext) -> Caller:
    caller: Caller = context.state[CALLER]
    return caller


async def _read(updates: AsyncGenerator[Update]) -> None:
    async with aclosing(updates):
        async for _ in updates:
            pass


def _not_cancelable(known: Known) -> str:
    if known.ended:
        return f"task {known.place.task} has ended"
    return f"task {known.place.task} has not begun; an earlier task of its context is running"
