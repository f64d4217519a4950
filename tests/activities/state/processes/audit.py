"""Appends audit records to one tenant's chain, several at once, and prints the id of each acknowledged one.

    python audit.py URL TENANT FIRST COUNT

Prints ``ready`` once the database is open and waits for a line. Every second record is written with an entry.
"""

import asyncio
import itertools
import sys

from holdfast_activities.state import open_state
from holdfast_activities.state.log.extras import LogExtras
from holdfast_workflows.contracts.control.audit import AuditRecord
from holdfast_workflows.contracts.session.entries import UserEntry


async def main(url: str, tenant: str, first: int, count: int) -> None:
    state = await open_state(url, migrate=True)
    print("ready", flush=True)
    sys.stdin.readline()
    numbers = itertools.islice(itertools.count(first), count)

    async def write() -> None:
        for n in numbers:
            record = AuditRecord(id=f"r{n}", kind="permission", action="deny", tenant=tenant, at=float(n))
            entries = [UserEntry(seq=n, text=str(n))] if n % 2 else []
            await state.log.settle_with(tenant, entries, LogExtras(audit=[record]))
            print(n, "written", flush=True)

    await asyncio.gather(*(write() for _ in range(8)))
    await state.close()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])))
