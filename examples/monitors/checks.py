"""The application: one task, which looks at one page once."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import AsyncIterator
from datetime import timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path

import aiohttp

from examples.monitors.board import Board
from onbeat import Onbeat, Retry, Run, Settings

QUEUE = "checks"
DESK = "desk"
CHECK = "check"
TIMEOUT = timedelta(seconds=3)
PORT = 8000
"""Where the dashboard is."""
OWN_FILE = Path(__file__).with_name("demo.db")

ob = Onbeat(
    name="monitors",
    settings=Settings(
        db=os.environ.get("ONBEAT_DB") or f"sqlite:///{OWN_FILE}",
        queues=(QUEUE, DESK),
        concurrency=64,  # checks wait for others far more than they work
        shutdown_grace=timedelta(seconds=2),
        port=PORT,
    ),
)


class PageDown(Exception):
    """The page failed now; a moment later it may not."""

    def __init__(self, status: int, retry_after: float | None) -> None:
        asked = "" if retry_after is None else f", asks to wait {retry_after:.0f} s"
        super().__init__(f"HTTP {status}{asked}")
        self.retry_after = retry_after
        """Seconds; Onbeat waits at least as long."""


class PageGone(Exception):
    """The page is not there; asking again would not help."""


class Visitor:
    """What the checks of this process share: connections, and the board they are noted on."""

    def __init__(self) -> None:
        self.board = Board(CHECK)
        self.site = ""
        """Put before addresses that are only a path."""
        self._http: aiohttp.ClientSession | None = None

    @contextlib.asynccontextmanager
    async def ready(self, site: str) -> AsyncIterator[None]:
        """Hold connections open, and know where `site` is."""
        self.site = site
        # The task's own timeout ends what takes too long, and its slots bound how many are open.
        connector = aiohttp.TCPConnector(limit=0)
        timeout = aiohttp.ClientTimeout(total=None)
        async with aiohttp.ClientSession(connector=connector, timeout=timeout) as self._http:
            yield
        self._http = None

    async def visit(self, url: str) -> int:
        """Get a page whole; its status. Raises PageDown, PageGone, aiohttp.ClientError."""
        if self._http is None:
            raise RuntimeError("checks run inside `visitor.ready()`")
        address = self.site + url if url.startswith("/") else url
        async with self._http.get(address) as response:
            await response.read()
        if response.status >= 500 or response.status == 429:
            asked = response.headers.get("Retry-After")
            raise PageDown(response.status, None if asked is None else seconds_of(asked))
        if response.status >= 400:
            raise PageGone(f"HTTP {response.status}")
        return response.status


visitor = Visitor()


@ob.task(
    name=CHECK,
    queue=QUEUE,
    timeout=TIMEOUT,
    retry=Retry(3, base="500ms", cap="5s", never=(PageGone, aiohttp.InvalidURL)),
)
async def check(run: Run, monitor: str, url: str) -> int:
    """Look at the page of a monitor."""
    visitor.board.began(run.job, monitor, time.monotonic())
    return await visitor.visit(url)


def seconds_of(retry_after: str) -> float | None:
    """How long a Retry-After header asks to wait (RFC 9110 §10.2.3): seconds, or until a date."""
    if retry_after.isdecimal():
        return float(retry_after)
    try:
        return max(0.0, parsedate_to_datetime(retry_after).timestamp() - time.time())
    except ValueError:
        return None
