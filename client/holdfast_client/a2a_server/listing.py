"""Lists of tasks, the last changed first."""

from collections.abc import AsyncGenerator

from a2a.types import ListTasksRequest, ListTasksResponse, Task
from a2a.utils.constants import DEFAULT_LIST_TASKS_PAGE_SIZE
from a2a.utils.errors import InvalidParamsError
from a2a.utils.task import (
    ListTasksCursor,
    apply_history_length,
    decode_list_tasks_cursor,
    encode_list_tasks_cursor,
    validate_page_size,
)

from .callers import checked_context
from .tasks import Known, Tasks

_SESSIONS = 50
"""Contexts whose tasks are listed if no context is given, the newest first."""


async def page(tasks: Tasks, request: ListTasksRequest) -> ListTasksResponse:
    """One page of the caller's tasks."""
    size = request.page_size if request.HasField("page_size") else DEFAULT_LIST_TASKS_PAGE_SIZE
    validate_page_size(size)
    after = decode_list_tasks_cursor(request.page_token) if request.page_token else None
    if request.page_token and after is None:
        raise InvalidParamsError("pageToken is not one of this server; leave it out for the first page")
    found = [(_key(tasks, known), known) async for known in _wanted(tasks, request)]
    found.sort(key=lambda each: each[0], reverse=True)
    rest = [each for each in found if after is None or each[0] < after.sort_key()]
    shown = rest[:size]
    more = len(rest) > len(shown)
    last = shown[-1] if shown and more else None
    token = ""
    if last is not None:
        token = encode_list_tasks_cursor(ListTasksCursor(last[0][1] if last[0][0] else None, last[0][2]))
    return ListTasksResponse(
        tasks=[await _shown(tasks, known, request) for _, known in shown],
        next_page_token=token,
        page_size=size,
        total_size=len(found),
    )


async def _wanted(tasks: Tasks, request: ListTasksRequest) -> AsyncGenerator[Known]:
    since = (
        request.status_timestamp_after.ToNanoseconds() if request.HasField("status_timestamp_after") else None
    )
    async for known in _all(tasks, request.context_id):
        status = tasks.status(known)
        fits = not request.status or status.state == request.status
        if fits and (since is None or status.timestamp.ToNanoseconds() > since):
            yield known


async def _all(tasks: Tasks, context: str) -> AsyncGenerator[Known]:
    if context:
        async for known in tasks.of_context(checked_context(context)):
            yield known
        return
    caller, sessions = tasks.caller, 0
    async for info in caller.client.sessions(agent=caller.agent, tenant=caller.tenant or None):
        if not info.id.startswith(caller.prefix):
            continue
        async for known in tasks.of_context(info.id.removeprefix(caller.prefix)):
            yield known
        sessions += 1
        if sessions == _SESSIONS:
            return


def _key(tasks: Tasks, known: Known) -> tuple[bool, int, str]:
    time = tasks.status(known).timestamp.ToNanoseconds()
    return time > 0, time, known.place.task


async def _shown(tasks: Tasks, known: Known, request: ListTasksRequest) -> Task:
    task = apply_history_length(await tasks.describe(known), request)
    if not request.include_artifacts:
        task.ClearField("artifacts")
    return task
