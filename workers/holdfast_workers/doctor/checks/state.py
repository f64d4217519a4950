"""The state database: its tables are current, and it is the one of the queue's sessions."""

from __future__ import annotations

from holdfast_temporal import binding
from holdfast_workers.startup import binding as bindings
from holdfast_workflows.contracts.errors import BadInput

from ..examined import Examined
from ..findings import Finding, failed, ok, warning


async def check(examined: Examined) -> Finding:
    """Open the database without changing it, and read its identity."""
    state = await examined.state()
    await state.ping()
    await state.verify()
    if examined.settings.state().startswith("file:"):
        return warning(
            f"{state.identity.place} is current; a file store serves one worker",
            "use PostgreSQL for several workers",
        )
    if examined.settings.state().startswith("sqlite"):
        return warning(
            f"{state.identity.place} is current; SQLite serves the workers of one machine",
            "use PostgreSQL for workers on several machines",
        )
    return ok(f"{state.identity.place} is current and is database {state.identity.id}")


async def check_binding(examined: Examined) -> Finding:
    """Compare the queue's binding with this App and this database."""
    queue, client, state = examined.settings.task_queue, await examined.client(), await examined.state()
    bound = await binding.read(client, queue)
    if bound is None:
        return ok(f"no worker has served {queue} yet; the first one binds it")
    try:
        bindings.check(queue, bound, bindings.make(examined.registry, examined.module, state.identity))
    except BadInput as error:
        return failed(
            error.detail, "correct HOLDFAST_STATE_URL or HOLDFAST_TASK_QUEUE, or `holdfast state bind`"
        )
    return ok(f"{queue} is bound to {bound.summary}")
