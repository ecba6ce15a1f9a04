"""Enqueue on SQLite: a few statements on anybody's connection, in one transaction.

Our own writer sends them, and whoever enqueues within a transaction of their own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from onbeat.domain.jobs import JobId, NewJob
from onbeat.domain.uniqueness import holders, once_each
from onbeat.store.column_types import to_micros
from onbeat.store.payloads import decode_refused, encode_deadlines, encode_job_arrays
from onbeat.store.sqlite import statements
from onbeat.store.sqlite.marks import MARK_NEW

Execute = Callable[[str, Mapping[str, Any]], Any]
"""Runs a statement on a connection, and gives what its rows and their count are read from."""


@dataclass(frozen=True, slots=True)
class Asked:
    """Jobs as the statements read them; made before it is anybody's turn to write."""

    rows: str
    later: str
    deadlines: str | None
    keys: int
    """How many have unique keys."""
    twice: Mapping[JobId, JobId]
    has_marks: bool


def prepare(jobs: Sequence[NewJob]) -> Asked:
    """Read jobs into what the statements take. Raises InvalidArguments."""
    kept, twice = once_each(jobs)
    rows, later = encode_job_arrays(kept, to_micros)
    keys = sum(job.unique is not None for job in kept)
    has_marks = any(job.is_marked for job in kept)
    return Asked(rows, later, encode_deadlines(kept, to_micros), keys, twice, has_marks)


def send(execute: Execute, asked: Asked, now: int) -> dict[JobId, JobId]:
    """Store them; of those whose key another job has, by id that job."""
    book, *places = statements.ENQUEUE
    values = {
        "jobs": asked.rows,
        "later": asked.later,
        "last": execute(statements.LAST_JOB, {}).fetchone()[0],
        "now": now,
        "deadlines": asked.deadlines,
    }
    execute(book, values)
    refused = _take_keys(execute, values, asked.keys) if asked.keys else {}
    for statement in places:
        execute(statement, values)
    if asked.deadlines is not None:
        execute(statements.SET_DEADLINES, values)
    if asked.has_marks:
        execute(MARK_NEW, values)
    return holders(asked.twice, refused)


def _take_keys(execute: Execute, values: dict[str, Any], count: int) -> dict[JobId, JobId]:
    """Take the keys of what was booked; what has none of its own is taken out of the book again."""
    if execute(statements.TAKE_KEYS, values).rowcount == count:
        return {}
    refused = execute(statements.REFUSED_KEYS, values).fetchone()[0]
    execute(statements.UNBOOK, {"last": values["last"], "refused": refused})
    return decode_refused(refused)


def settle_fired(execute: Execute, last: int, now: int) -> None:
    """After a tick's jobs are placed: take their keys, call off those whose keys others have,
    set the deadlines of the others, and write what all are found by. `last` is the last job from
    before.
    """
    values: dict[str, Any] = {"last": last, "now": now}
    if not execute(statements.ANY_TIED, values).fetchone()[0]:
        return
    execute(statements.TAKE_KEYS, values)
    refused = execute(statements.REFUSED_KEYS, values).fetchone()[0]
    if refused != NOBODY:
        for statement in statements.DUPLICATES:
            execute(statement, {**values, "refused": refused})
    execute(statements.SET_FIRED_DEADLINES, values)
    execute(MARK_NEW, values)


NOBODY = "[]"
