"""A headless Chromium, driven over pipes by the DevTools protocol, and the text of the pages it shows."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import tempfile
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any, Final

import pytest

from tests.support import eventually

NAMES: Final = ("chromium", "chromium-browser", "google-chrome")
_ANSWER_SECONDS: Final = 60.0
_OPTIONS: Final = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
    "--disable-extensions", "--disable-background-networking", "--no-proxy-server",
    "--window-size=1600,3000", "--remote-debugging-pipe",
)  # fmt: skip


def require_chromium() -> str:
    """The browser's path. Without one the test is skipped, or fails where HOLDFAST_REQUIRE_BROWSER is 1."""
    found = next(filter(None, map(shutil.which, NAMES)), None)
    if found is None:
        reason = f"no browser: none of {', '.join(NAMES)} is in PATH"
        if os.environ.get("HOLDFAST_REQUIRE_BROWSER") == "1":
            pytest.fail(reason)
        pytest.skip(reason)
    return found


class Page:
    """One page of the browser."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.WriteTransport) -> None:
        self._reader = reader
        self._writer = writer
        self._number = 0
        self._session = ""

    async def begin(self) -> None:
        """Open an empty page."""
        target = await self._call("Target.createTarget", url="about:blank")
        attached = await self._call("Target.attachToTarget", targetId=target["targetId"], flatten=True)
        self._session = attached["sessionId"]

    async def open(self, url: str) -> None:
        """Go to a page."""
        await self._call("Page.navigate", url=url)

    async def text(self) -> str:
        """The text that the page shows now."""
        return str(await self.run("document.body ? document.body.innerText : ''"))

    async def shows(self, text: str, within: float = 60.0) -> None:
        """Wait until the page shows a text."""

        async def shown() -> bool:
            return text in await self.text()

        await eventually(shown, within)

    async def eventually(self, script: str, within: float = 60.0) -> None:
        """Wait until an expression is true in the page."""

        async def true() -> bool:
            return bool(await self.run(script))

        await eventually(true, within)

    async def run(self, script: str) -> Any:
        """Evaluate an expression in the page."""
        done = await self._call("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        return done["result"].get("value")

    async def _call(self, method: str, **params: Any) -> Any:
        self._number += 1
        message: dict[str, Any] = {"id": self._number, "method": method, "params": params}
        if self._session:
            message["sessionId"] = self._session
        self._writer.write(json.dumps(message).encode() + b"\0")
        async with asyncio.timeout(_ANSWER_SECONDS):
            while True:
                answer = json.loads((await self._reader.readuntil(b"\0"))[:-1])
                if answer.get("id") == self._number:
                    return answer["result"]


@asynccontextmanager
async def a_page(browser: str) -> AsyncGenerator[Page]:
    """An empty page of a new browser with a profile of its own."""
    to_read, to_write = os.pipe()
    from_read, from_write = os.pipe()
    with tempfile.TemporaryDirectory(prefix="chromium-", ignore_cleanup_errors=True) as profile:
        # The browser reads file descriptor 3 and writes 4.
        command = f'exec 3<&{to_read} 4>&{from_write} && exec "$@"'
        process = await asyncio.create_subprocess_exec(
            "/bin/bash", "-c", command, "bash", browser, *_OPTIONS, f"--user-data-dir={profile}",
            pass_fds=(to_read, from_write), stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
        )  # fmt: skip
        os.close(to_read)
        os.close(from_write)
        loop = asyncio.get_running_loop()
        reader = asyncio.StreamReader(limit=64 * 1024 * 1024)
        incoming, _ = await loop.connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(from_read, "rb")
        )
        outgoing, _ = await loop.connect_write_pipe(asyncio.BaseProtocol, os.fdopen(to_write, "wb"))
        try:
            page = Page(reader, outgoing)
            await page.begin()
            yield page
        finally:
            outgoing.close()
            incoming.close()
            if process.returncode is None:
                process.kill()
            await process.wait()
