"""Reserves on one account for 40 holders, several at once, and prints how many were granted.

    python charge.py URL ACCOUNT LIMIT HOLD MARK

Prints ``ready`` once the database is open, and waits for a line.
"""

import asyncio
import sys
import time

from holdfast_activities.state import open_state
from holdfast_activities.state.log.extras import Amount, Charge, Limit


async def main(url: str, account: str, limit: int, hold: int, mark: str) -> None:
    state = await open_state(url, migrate=True)
    print("ready", flush=True)
    sys.stdin.readline()
    until = time.time() + 3_600
    charges = [
        Charge(f"{mark} {n}", {account: Limit(limit)}, Amount(), Amount(hold), until) for n in range(40)
    ]
    outcomes = await asyncio.gather(*map(state.budgets.charge, charges))
    print(sum(outcome.refused_by is None for outcome in outcomes))
    await state.close()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]), sys.argv[5]))
