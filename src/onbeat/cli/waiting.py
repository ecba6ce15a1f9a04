"""Waiting for a job to end, with a bar that shows how far it has come."""

from __future__ import annotations

import asyncio
import sys
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn
from rich.text import Text

from onbeat.app.handles import JobHandle
from onbeat.cli.errors import NotEnded
from onbeat.cli.output.words import one_line
from onbeat.domain.errors import JobFailed
from onbeat.domain.jobs import Job
from onbeat.domain.states import State
from onbeat.timing import within

FIRST_LOOK, LAST_LOOK = 0.02, 0.25
"""Seconds between looks: doubling from the one to the other."""


async def wait_for(handle: JobHandle[Any], seconds: float | None) -> Job:
    """The job when it has completed. Raises JobFailed, and NotEnded when `seconds` are over."""
    bar = _bar()
    shown = bar.add_task("", total=1.0, state="")
    try:
        with bar:
            async with within(seconds):
                job = await _ended(handle, bar, shown)
    except TimeoutError:
        raise NotEnded(
            f"job {handle.id} has not ended after {seconds:g} s and goes on; "
            f"`onbeat jobs show {handle.id}` tells how it stands"
        ) from None
    if job.state is not State.COMPLETED:
        raise JobFailed(
            f"job {job.id} {job.state}: {job.reason or 'no reason given'}; "
            f"see `onbeat jobs show {job.id}`"
        )
    return job


async def _ended(handle: JobHandle[Any], bar: Progress, shown: TaskID) -> Job:
    look = FIRST_LOOK
    while not (job := await handle.show()).state.is_final:
        _update(bar, shown, job)
        await asyncio.sleep(look)
        look = min(look * 2, LAST_LOOK)
    return job


def _update(bar: Progress, shown: TaskID, job: Job) -> None:
    told = job.note or job.reason or ""
    bar.update(
        shown,
        completed=job.progress or 0.0,
        state=job.state.value,
        description=Text(one_line(told)).plain,
    )


def _bar() -> Progress:
    """Drawn on a terminal only, and away when the job has ended."""
    return Progress(
        SpinnerColumn(),
        TextColumn("{task.fields[state]:<9}"),
        BarColumn(bar_width=24),
        TextColumn("{task.percentage:>3.0f}%"),
        TimeElapsedColumn(),
        TextColumn("{task.description}", markup=False),
        console=Console(file=sys.stderr, markup=False),
        transient=True,
        disable=not sys.stderr.isatty(),
    )
