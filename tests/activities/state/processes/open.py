"""Opens a state database with its tables made. Prints ``ready`` before, and ``open`` after a line came in."""

import asyncio
import sys

from holdfast_activities.state import open_state


async def main(url: str) -> None:
    print("ready", flush=True)
    sys.stdin.readline()
    state = await open_state(url, migrate=True)
    await state.ping()
    await state.close()
    print("open", flush=True)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
