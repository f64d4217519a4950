"""Read a range of the log by pages, since entries may be megabytes each."""

from collections.abc import AsyncGenerator

from holdfast_workflows.contracts.session.entries import Entry

from ..base import Log

_PAGE = 50


async def entries(log: Log, session: str, start: int, stop: int | None = None) -> AsyncGenerator[Entry]:
    """Entries with ``start <= seq < stop`` in order, at most a page of them in memory."""
    while stop is None or start < stop:
        page = await log.read(session, start, stop, limit=_PAGE)
        for entry in page:
            yield entry
        if len(page) < _PAGE:
            return
        start = page[-1].seq + 1
