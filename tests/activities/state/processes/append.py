"""Writes entries to a session's log, several at once, and prints what it was told for each.

    python append.py URL SESSION FIRST COUNT MARK

Prints ``ready`` once the database is open, waits for a line, then prints ``SEQ TEXT`` for
each acknowledged entry as soon as it is.
"""

import asyncio
import itertools
import sys

from holdfast_activities.state import open_state
from holdfast_workflows.contracts.session.entries import UserEntry


async def main(url: str, session: str, first: int, count: int, mark: str) -> None:
    state = await open_state(url, migrate=True)
    print("ready", flush=True)
    sys.stdin.readline()
    numbers = itertools.islice(itertools.count(first), count)

    async def write() -> None:
        for seq in numbers:
            [entry] = await state.log.settle(session, [UserEntry(seq=seq, text=mark)])
            assert isinstance(entry, UserEntry)
            print(seq, entry.text, flush=True)

    await asyncio.gather(*(write() for _ in range(8)))
    await state.close()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]), sys.argv[5]))
