"""Reading a range of the log from beginning to end, a page at a time: entries may be megabytes each."""

from collections.abc import AsyncGenerator

from holdfast_activities.state.base import Log
from holdfast_workflows.contracts.entries import Entry

_PAGE = 50


async def entries(log: Log, session: str, start: int, stop: int) -> AsyncGenerator[Entry]:
    """Entries with ``start <= seq < stop`` in order."""
    while start < stop:
        page = await log.read(session, start, stop, limit=_PAGE)
        for entry in page:
            yield entry
        if len(page) < _PAGE:
            return
        start = page[-1].seq + 1
