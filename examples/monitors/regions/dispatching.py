"""The scheduling cycle: monitors that are due become jobs, in batches, until none is or time is up.

Of a batch the jobs and the new times of its monitors are one transaction: a cycle that dies between
two statements has made no job twice, and forgotten none.
"""

from __future__ import annotations

import logging
import os
import time
from collections import Counter
from contextvars import Context
from datetime import datetime, timedelta
from functools import cache, lru_cache
from typing import Any

from sqlalchemy import Engine
from sqlalchemy.orm import Session

from examples.monitors.regions.checks import check, ob
from examples.monitors.regions.problems import (
    USUAL_INTERVAL,
    MonitorProblem,
    NotAccepted,
    Unforeseen,
    Wanted,
    look_at,
)
from examples.monitors.regions.table import (
    Due,
    next_check,
    open_table,
    take_due,
    utc_now,
    write_scheduled,
)
from onbeat import Bound, Call, JobHandle, Retry, Run, Unique, cron

QUEUE = "dispatch"
BUDGET = timedelta(seconds=float(os.environ.get("MONITORS_BUDGET", "45")))
"""How long a cycle may take. Four fifths of it are used; then the rest is for the next one."""

BATCH = int(os.environ.get("MONITORS_BATCH", "500"))
"""Monitors in one transaction."""

WINDOW = timedelta(seconds=float(os.environ.get("MONITORS_WINDOW", "30")))
"""Within which a monitor gets no second check, whoever asks for one."""

OF_INTERVAL = 0.9
"""But for no more of its own interval than this."""

KINDS = 10_000
"""Monitors of one priority, region and interval are of one kind; so many are remembered."""

AGAIN = Retry(3, base="1s", backoff="exponential", jitter="none")
"""A cycle that could not reach its table is tried again after one second, and then after two."""

REST = Unique(key="rest", until="begun")
"""One cycle waits to go on, whoever asks for it; while it runs it may ask for the next one."""

LOG = logging.getLogger("monitors")


@ob.schedule(cron("* * * * *"), overlap="skip")
@ob.task(queue=QUEUE, timeout=BUDGET, retry=AGAIN)
def dispatch(run: Run) -> dict[str, Any]:
    """One cycle. What is left when its time is up is done by another, which it asks for."""
    began, counted, is_complete = time.monotonic(), Counter[str](), False
    reserve = BUDGET / 5
    while not is_complete:
        found = make_batch(table(), utc_now(), counted)
        is_complete = found < BATCH
        if run.is_draining or (run.remaining or BUDGET) < reserve:
            break
    status = "complete" if is_complete else "partial"
    if not is_complete:
        ask_for_rest()
    told = {"status": status, **counted, "took_s": round(time.monotonic() - began, 3)}
    level = logging.INFO if is_complete else logging.WARNING
    LOG.log(level, "cycle.ended", extra=told)
    return told


def ask_for_rest() -> JobHandle[dict[str, Any]]:
    """A cycle that goes on where another ended; the one that waits already, if one does.

    Without a key there would be one more chain of them for each partial cycle: `overlap="skip"`
    counts only those of the schedule.
    """
    return dispatch.opts(unique=REST).enqueue_blocking()


@cache
def table() -> Engine:
    """The pool of connections of this process."""
    return open_table(ob.url)


def make_batch(engine: Engine, now: datetime, counted: Counter[str]) -> int:
    """Make jobs for so many monitors that are due; how many were."""
    decisions: list[dict[str, Any]] = []
    with Session(engine) as session, session.begin():
        rows = take_due(session, now, BATCH)
        looked = [look(due, now) for due in rows]
        asked = [_ask(wanted, problems) for wanted, problems, _ in looked]
        calls = [call for call in asked if call is not None]
        handles = iter(ob.enqueue_many_blocking(calls, within=session))
        write_scheduled(session, (_written(*each, now) for each in looked))
        for (wanted, problems, _), call in zip(looked, asked, strict=True):
            handle = None if call is None else next(handles)
            decisions.append(_decision(wanted, problems, handle))
    tell_decisions(decisions, counted)  # once they are so
    return len(rows)


def look(due: Due, now: datetime) -> tuple[Wanted, list[MonitorProblem], datetime]:
    """What is wanted of a monitor, what was wrong with it, and when it is due next."""
    try:
        wanted, problems = look_at(due, regions())
        return wanted, problems, next_check(due.next_check_at, wanted.every, now)
    except Exception as error:  # else the batch would roll back, each time anew
        problem = Unforeseen(f"{type(error).__name__}: {error}")
        wanted = problem.recover(Wanted(due, USUAL_INTERVAL, priority=0, region=None))
        return wanted, [problem], now + USUAL_INTERVAL


def _ask(wanted: Wanted, problems: list[MonitorProblem]) -> Call[int] | None:
    """The job that is asked for; None where there is to be none."""
    if not wanted.is_active or wanted.is_put_off:
        return None
    due = wanted.due
    try:
        asked = options(wanted.priority, wanted.region, wanted.every)
        return asked.bind(due.id, due.name, due.url)
    except Exception as error:  # as above
        problems.append(NotAccepted(str(error)))
        return None


@lru_cache(KINDS)
def options(priority: int, region: str | None, every: timedelta) -> Bound[[int, str, str], int]:
    """The task as monitors of this kind want it, made once: 100 us, where a call takes 15."""
    window = Unique(by=("monitor",), within=min(WINDOW, every * OF_INTERVAL))
    return check.opts(priority=priority, region=region, unique=window)


@cache
def regions() -> frozenset[str]:
    """Those of ONBEAT_REGIONS; none where it is not set."""
    known = ob.settings.regions
    return frozenset(() if known is None else known.queues)


def _written(
    wanted: Wanted, problems: list[MonitorProblem], after: datetime, now: datetime
) -> dict[str, Any]:
    return {
        "this": wanted.due.id,
        "new_is_active": wanted.is_active,
        "new_next_check_at": after,
        "new_last_scheduled_at": now,
        "new_problem": "; ".join(f"{each}: {each.recovery}" for each in problems) or None,
    }


def _decision(
    wanted: Wanted, problems: list[MonitorProblem], handle: JobHandle[int] | None
) -> dict[str, Any]:
    """What was decided of a monitor, as its line in the log says it."""
    due: Due = wanted.due
    told: dict[str, Any] = {
        "event_name": _word(handle), "monitor": due.name, "due_at": due.next_check_at.isoformat(),
        "priority": wanted.priority, "wanted": wanted.region,
    }  # fmt: skip
    if handle is not None:
        told |= {"job_id": handle.id, "queue": handle.queue, "route": handle.route}
    if problems:
        told |= {"problems": [f"{type(each).__name__}: {each}" for each in problems],
                 "recovery": [each.recovery for each in problems]}  # fmt: skip
    return told


def _word(handle: JobHandle[int] | None) -> str:
    if handle is None:
        return "check.refused"
    return "check.scheduled" if handle.is_new else "check.duplicate"


def tell_decisions(decisions: list[dict[str, Any]], counted: Counter[str]) -> None:
    """Count them, and write a line for each."""
    for each in decisions:
        word = each.pop("event_name")
        counted[word.removeprefix("check.")] += 1
        counted["problems"] += bool(each.get("problems"))
        level = logging.WARNING if "problems" in each else logging.INFO
        # Outside of the run: with its attempt, which has room for 10,000 lines, goes the sum alone.
        Context().run(LOG.log, level, word, extra=each)
