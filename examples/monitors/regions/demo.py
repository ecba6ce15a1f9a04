"""From start to end: a table of monitors, the processes, the walk, and what was seen."""

from __future__ import annotations

import contextlib
import time

import aiohttp

from examples.monitors.regions.app import RULES, ob
from examples.monitors.regions.crew import crew
from examples.monitors.regions.filling import fill, refuse_others
from examples.monitors.regions.outages import walk_through_outages
from examples.monitors.regions.pages import serving_pages
from examples.monitors.regions.walk import Walk, walk_by_calls
from examples.showing.board import Board, OutOfTime

PATIENCE = 180.0
"""Seconds in which all must have been seen, unless it is said."""

MONITORS = 1_000
MISSING = 1


async def run(seconds: float | None, *, is_brisk: bool = False) -> int:
    """Run it; the exit code: 1 where something that is promised was not seen."""
    board = Board(time.monotonic() + (seconds or PATIENCE), is_stopping=True)
    await ob.migrate()
    await refuse_others()
    async with ob, serving_pages() as pages, aiohttp.ClientSession() as http:
        await fill(MONITORS)
        for rule in RULES:
            await ob.rules.save(rule, "demo")
        with crew(pages.address) as processes:
            board.tell("", f"each process logs into {processes.folder} while this runs")
            walk = Walk(
                board=board, crew=processes, pages=pages, http=http, is_brisk=is_brisk
            )  # fmt: skip
            with contextlib.suppress(OutOfTime):
                await walk_by_calls(walk)
                await walk_through_outages(walk)
    print(board.summary(), flush=True)
    return MISSING if board.missing else 0
