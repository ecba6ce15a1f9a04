"""The demo from start to end: import, check until told to stop, and account for every check."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

from rich.console import Console

from examples.monitors.board import Counts, quantile
from examples.monitors.checks import QUEUE, TIMEOUT, ob, visitor
from examples.monitors.dashboard import Dashboard, open_dashboard
from examples.monitors.importing import Changes, import_monitors, moments, stored_schedules
from examples.monitors.rows import Monitor, Reading, read_monitors
from examples.monitors.screen import Depth, Screen, progress_on, screen_on, short
from examples.monitors.site import running_site

LOOK_EVERY = 0.5
PROBLEMS_SHOWN = 10
ENGINE_FAILED = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What the demo is told."""

    csv: Path
    monitors: int | None = None
    """Only the first so many good rows; None for all."""
    seconds: float | None = None
    """How long to check; None until Ctrl-C."""


@dataclass(frozen=True, slots=True)
class Stock:
    """What the database knows of our checks at one moment."""

    made: int
    """Jobs that the schedules have made, ever."""
    waiting: int
    """Jobs that have not ended: pending, running, or to be retried."""


@dataclass(frozen=True, slots=True)
class Result:
    """How a run went."""

    changes: Changes
    reading: Reading
    seconds: float
    fired: int
    waiting_before: int
    waiting_after: int
    unhealthy: list[str]

    def lost(self, counts: Counts) -> int:
        """Checks that were asked for, and neither ended nor wait."""
        return self.waiting_before + self.fired - counts.ended - self.waiting_after


async def run(options: Options, console: Console) -> int:
    """Run the demo; the exit code."""
    reading = read_monitors(options.csv, options.monitors)
    _tell_problems(reading, console)
    with _stopping() as stop:
        await ob.migrate()
        async with ob, running_site() as site:
            with progress_on(console) as told:
                changes = await import_monitors(reading, told)
            _tell_changes(changes, reading, console)
            dashboard = await open_dashboard()
            for line in dashboard.words:
                console.print(line, highlight=False, markup=False, soft_wrap=True)
            async with visitor.ready(site):
                result = await _check_all(options, reading, changes, console, stop, dashboard)
    return _tell_result(result, console)


async def _check_all(
    options: Options,
    reading: Reading,
    changes: Changes,
    console: Console,
    stop: asyncio.Event,
    dashboard: Dashboard,
) -> Result:
    before = await _take_stock()
    board, began = visitor.board, time.monotonic()
    board.open(_intervals(reading.active), TIMEOUT.total_seconds(), began)
    async with ob.running(
        emit=lambda event: board.hear(event, time.monotonic()), more=[dashboard.served.make]
    ) as services:
        with screen_on(console, place(ob.url), options.seconds, dashboard.words) as screen:
            await _watch(screen, options.seconds, began, stop)
        unhealthy = [
            f"{each.id}: {each.last_error}" for each in services.snapshots() if not each.healthy
        ]
        # No more checks while the last ones end: they would only wait for the next run.
        await services.get("scheduler").stop()
        console.print("Ending: the last checks are given 2 s.", style="bright_black")
    after = await _take_stock()
    return Result(
        changes,
        reading,
        seconds=time.monotonic() - began,
        fired=after.made - before.made,
        waiting_before=before.waiting,
        waiting_after=after.waiting,
        unhealthy=unhealthy,
    )


async def _watch(screen: Screen, seconds: float | None, began: float, stop: asyncio.Event) -> None:
    shown_at = began
    while not stop.is_set():
        now = time.monotonic()
        view = visitor.board.view(now)
        if now - shown_at >= screen.every:
            screen.show(view, await _depth(), now - began)
            shown_at = now
        left = LOOK_EVERY if seconds is None else min(LOOK_EVERY, began + seconds - now)
        if left <= 0:
            return
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(left):
                await stop.wait()


def _intervals(monitors: list[Monitor]) -> Iterator[tuple[Monitor, float]]:
    for monitor in monitors:
        moment = moments(monitor).next(datetime.now(UTC))
        following = moments(monitor).next(moment) if moment else None
        length = following - moment if moment and following else timedelta()
        yield monitor, length.total_seconds()


async def _depth() -> Depth | None:
    queues = await ob.queues.list()
    return next((queue for queue in queues if queue.name == QUEUE), None)


async def _take_stock() -> Stock:
    depth = await _depth()
    waiting = depth.pending + depth.running + depth.delayed if depth else 0
    return Stock(sum(schedule.made for schedule in await stored_schedules()), waiting)


@contextlib.contextmanager
def _stopping() -> Iterator[asyncio.Event]:
    """An event that Ctrl-C or SIGTERM sets; the second Ctrl-C ends the demo as it stands."""
    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    signals = (signal.SIGINT, signal.SIGTERM)

    def heard() -> None:
        stop.set()
        for each in signals:
            loop.remove_signal_handler(each)

    for each in signals:
        loop.add_signal_handler(each, heard)
    try:
        yield stop
    finally:
        for each in signals:
            loop.remove_signal_handler(each)


def place(url: str) -> str:
    """Where the database is, without who may enter it."""
    parts = urlsplit(url)
    if parts.hostname is None:
        return f"{parts.scheme} {Path(parts.path).name}"
    return f"{parts.scheme} {parts.hostname}{parts.path}"


def _tell_problems(reading: Reading, console: Console) -> None:
    for problem in reading.problems[:PROBLEMS_SHOWN]:
        told = f"line {problem.line}: {problem.reason}"
        console.print(told, style="yellow", markup=False, highlight=False, soft_wrap=True)
    more = len(reading.problems) - PROBLEMS_SHOWN
    if more > 0:
        console.print(f"and {more} more rows like these", style="yellow")


def _tell_changes(changes: Changes, reading: Reading, console: Console) -> None:
    inactive = len(reading.monitors) - len(reading.active)
    for line in (
        f"Imported {len(reading.monitors):,} monitors, {inactive} of them inactive; "
        f"{len(reading.problems)} rows refused",
        f"Schedules: {changes.added} added, {changes.changed} changed, "
        f"{changes.removed} removed, {changes.unchanged} as before",
    ):
        console.print(line, highlight=False)


def _tell_result(result: Result, console: Console) -> int:
    board, counts = visitor.board, visitor.board.counts
    ticks = sorted(board.ticks)
    lost = result.lost(counts)
    lines = {
        "schedules": f"{result.changes.schedules:,}",
        "occurrences fired": f"{result.fired:,}, and {counts.skipped:,} moments skipped or merged",
        "checks done": f"{counts.ended:,}: {counts.succeeded:,} answered, {counts.failed:,} failed",
        "attempts retried": f"{counts.retried:,}",
        "monitors late": f"{len(board.ever_late):,}",
        "ticks late by": f"p50 {short(quantile(ticks, 0.5))}, p99 {short(quantile(ticks, 0.99))}, "
        f"at worst {short(ticks[-1] if ticks else 0.0)}",
        "accounted for": f"{result.waiting_before} waited + {result.fired} fired = "
        f"{counts.ended} done + {result.waiting_after} waiting + {lost} lost",
    }
    console.print(f"\nChecked for {result.seconds:.0f} s on {place(ob.url)}", highlight=False)
    for label, text in lines.items():
        console.print(f"  {label:<18} {text}", highlight=False, soft_wrap=True)
    wrong = [*result.unhealthy, *counts.broken]
    if lost:
        wrong.append(f"{lost} checks are not accounted for")
    for each in wrong:
        console.print(f"  wrong: {each}", style="red", markup=False)
    return ENGINE_FAILED if wrong else 0
