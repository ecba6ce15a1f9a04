"""What is asked for without the application that knows it, or where nobody is to run it: said."""

from __future__ import annotations

from onbeat.app.onbeat import Onbeat
from onbeat.cli.invocation import Invocation
from onbeat.domain.jobs import DEFAULT_MAX_ATTEMPTS, DEFAULT_QUEUE
from onbeat.runtime.tasks import ENABLED_BY

NOBODYS = ("no-worker", "workers-draining", "workers-paused", "queue-paused")
"""Reasons for which a job would wait for ever, unless somebody does something."""


def is_checked(asked: Invocation, task: str) -> bool:
    """Whether the task is known here, and so its arguments were looked at."""
    return asked.has_app or task in ENABLED_BY


def note_unchecked(
    asked: Invocation, ob: Onbeat, task: str, queue: str | None, region: str | None = None
) -> None:
    """Say what nobody has looked at, and what holds instead of the task's own; the region that was
    asked for says the queue.
    """
    if not is_checked(asked, task):
        gets = f"queue {queue or DEFAULT_QUEUE} and " if region is None else ""
        asked.out.note(
            "not checked: without --app the task and its arguments are not known; it gets "
            f"{gets}{DEFAULT_MAX_ATTEMPTS} attempts, not the task's own"
        )
    elif task in ENABLED_BY and task not in ob.tasks and not asked.has_app:
        asked.out.note(f"it waits for a worker with the task `{task}`: {ENABLED_BY[task]}")


async def note_unknown(asked: Invocation, ob: Onbeat, task: str) -> None:
    """Say that no worker knows a task that was not looked at here, where any is known."""
    if not is_checked(asked, task):
        for warning in await ob.jobs.warnings(task):
            asked.out.note(warning)


async def note_nobody(asked: Invocation, ob: Onbeat, job: str) -> None:
    """Say why nobody is going to run a job that has just been made, where that is so."""
    for reason in await ob.jobs.why(job):
        if reason.code in NOBODYS:
            asked.out.note(f"{reason.what}: {reason.remedy}")
