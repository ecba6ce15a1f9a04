"""The application: one task that looks at a page, and one that tells who is on duty."""

from __future__ import annotations

import os
from datetime import timedelta

import aiohttp

from onbeat import Breaker, Keep, Onbeat, Permanent, Retry, Run, Unique

SITE = os.environ.get("MONITORS_SITE", "")
"""Put before addresses that are only a path."""

QUEUE, DUTY = "checks", "duty"
"""`checks` is the default queue of ONBEAT_REGIONS: its jobs are sent to regions."""

TIMEOUT = timedelta(seconds=5)

ANSWERS_WITHIN = 4.0
"""Seconds for a page. Less than the task has: its timeout ends it, and then nobody is told."""

MOST_BYTES = 64 * 1024
"""Read of a page: enough to see that it is sent, whatever its length."""

PAGER = Breaker("pager", threshold=3, open_for=os.environ.get("MONITORS_PAGER_REST", "30s"))
"""Calls the pager no more while it is down: notices wait, and spend no attempts."""

ob = Onbeat(name="regional-monitors")  # ONBEAT_DB, ONBEAT_REGIONS and all else from outside


class PageDown(Exception):
    """The page failed now; a moment later it may not."""


@ob.task(
    queue=QUEUE,
    timeout=TIMEOUT,
    retry=Retry(3, base="500ms", cap="5s"),
    unique=Unique(by=("monitor",), within="30s"),
    keep=Keep(completed=(100_000, "1d"), failed="7d"),
)
async def check(run: Run, monitor: int, name: str, url: str) -> int:
    """Look at the page of a monitor; its status."""
    try:
        return await visit(url)
    except (Permanent, PageDown, aiohttp.ClientError) as error:
        if run.attempt == run.max_attempts or isinstance(error, Permanent):
            await tell.enqueue(name, f"{type(error).__name__}: {error}")
        raise


@ob.task(
    queue=DUTY,
    breakers=PAGER,
    retry=Retry(8, base="500ms", cap="30s"),
    unique=Unique(by=("name",), within="5m"),
)
async def tell(name: str, reason: str) -> None:
    """Tell who is on duty that a page is down; once in five minutes for each."""
    async with (
        aiohttp.ClientSession() as http,
        http.post(f"{SITE}/pager", json={"name": name, "reason": reason}) as answer,
    ):
        if answer.status >= 400:
            raise ConnectionError(f"the pager says {answer.status}")


async def visit(url: str, within: float = ANSWERS_WITHIN) -> int:
    """Get a page. Raises PageDown, Permanent where asking again would not help."""
    try:
        status = await get(SITE + url if url.startswith("/") else url, within)
    except TimeoutError as error:
        raise PageDown(f"no answer within {within:g} s") from error
    except aiohttp.InvalidURL as error:
        raise Permanent(f"no address: {error}") from error
    if status >= 500 or status == 429:
        raise PageDown(f"HTTP {status}")
    if status >= 400:
        raise Permanent(f"HTTP {status}")
    return status


async def get(address: str, within: float) -> int:
    """The status of a page whose beginning has come: all of it, where it is short."""
    left = MOST_BYTES
    async with (
        aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=within)) as http,
        http.get(address) as response,
    ):
        while left > 0 and (chunk := await response.content.read(left)):
            left -= len(chunk)
        return response.status
