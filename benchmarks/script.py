"""The scripted model's side: so many steps of one call (or eight), then a final word, with no delay.

The first user message names the run: ``bench <id> steps=20 calls=1 tool=look``. The
requests are counted by that name, so nothing of the body is parsed but a few bytes.
Who has its answers streamed is given some words to each call, so that there is
something to read.
"""

import re

from holdfast.testing import Call, Reply, Request, say

_NAME = re.compile(rb"bench ([0-9a-f]+) steps=(\d+) calls=(\d+) tool=(\w+)")
_WORDS = "I shall look at the next page, since the one before did not say it. " * 3
_asked: dict[bytes, int] = {}


def script(request: Request) -> Reply:
    """The next reply of the run that asks."""
    found = _NAME.search(request.body)
    if found is None:
        raise ValueError("not a request of the benchmark")
    run, steps, calls, tool = found[1], int(found[2]), int(found[3]), found[4].decode()
    taken = _asked[run] = _asked.get(run, 0) + 1
    if taken > steps:
        return say("Done.")
    asked = tuple(Call(tool, {"n": taken * calls + i}) for i in range(calls))
    return Reply(text=_WORDS if request.stream else "", calls=asked)
