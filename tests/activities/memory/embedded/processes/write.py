"""Writes records to a memory store, several puts at once, and prints each id once it is acknowledged.

    python write.py PATH TENANT COUNT MARK

Prints ``ready`` once the file is open, waits for a line, then writes records ``MARK-0`` and so on.
"""

import asyncio
import itertools
import sys
from pathlib import Path

import numpy as np

from holdfast_activities.memory import Collection, Record
from holdfast_activities.memory.embedded import open_embedded


async def main(path: Path, tenant: str, count: int, mark: str) -> None:
    store = await open_embedded(path)
    await store.begin(Collection("test-model", 8))
    print("ready", flush=True)
    sys.stdin.readline()
    numbers = itertools.islice(itertools.count(), count)

    async def write() -> None:
        for number in numbers:
            vector = np.zeros(8, np.float32)
            vector[number % 8] = 1
            id = f"{mark}-{number}"
            await store.put(
                tenant, [Record(id, "tenant", "fact", id, 1.0, words=f"word {mark}", vector=vector)]
            )
            print(id, flush=True)

    await asyncio.gather(*(write() for _ in range(4)))
    await store.close()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), sys.argv[4]))
