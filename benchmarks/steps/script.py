"""The scripted model: ``steps`` replies with tool calls, then a final one, without delay.

The first user message names the run: ``bench <id> steps=20 calls=1 tool=look``. Only those bytes of the
request are parsed. Streamed replies have some text before each call. With ``tool=talk`` the final reply is text
that is streamed in about two seconds.
"""

import re

from holdfast.testing import Call, Reply, Request, say

_NAME = re.compile(rb"bench ([0-9a-f]+) steps=(\d+) calls=(\d+) tool=(\w+)")
_WORDS = "I shall look at the next page, because the answer is not on this one. " * 3
_PACE = 0.05
_requests: dict[bytes, int] = {}


def script(request: Request) -> Reply:
    """The next reply of the run."""
    match = _NAME.search(request.body)
    if match is None:
        raise ValueError("not a request of the benchmark")
    run, steps, calls, tool = match[1], int(match[2]), int(match[3]), match[4].decode()
    n = _requests[run] = _requests.get(run, 0) + 1
    if n > steps:
        return Reply(text=_WORDS, pace=_PACE) if tool == "talk" else say("Done.")
    calls_made = tuple(Call(tool, {"n": n * calls + i}) for i in range(calls))
    return Reply(text=_WORDS if request.stream else "", calls=calls_made)
