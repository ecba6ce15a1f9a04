"""Whole lists as files: CSV for spreadsheets, NDJSON for programs, read page by page.

Each page is a query of its own, a few milliseconds long; nothing is held between two of them.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import aclosing
from dataclasses import replace
from enum import StrEnum
from functools import partial
from typing import Any, TypeVar

import msgspec

from onbeat.app.facts.access import entry_data
from onbeat.app.facts.jobs import job_shown
from onbeat.app.onbeat import Onbeat
from onbeat.domain.audit import Entry
from onbeat.domain.job_cursors import Sort
from onbeat.domain.job_filters import JobFilter
from onbeat.domain.jobs import Job
from onbeat.domain.spreadsheets import csv_lines
from onbeat.store.audit import AuditFilter

T = TypeVar("T")

AT_ONCE = 500
"""Rows of a page of the audit log."""

JOBS_AT_ONCE = 100
"""Jobs of a page: each may have 256 KiB of arguments, and more where the setting allows it."""

JOB_COLUMNS = (
    "id", "task", "runs_as", "queue", "priority", "state", "attempt", "max_attempts", "created_at",
    "due_at", "started_at", "finished_at", "reason", "schedule", "occurrence_at", "progress",
    "note", "stop_asked", "route", "expires_at", "tags", "owner", "args",
)  # fmt: skip

AUDIT_COLUMNS = (
    "id", "at", "actor_kind", "actor_name", "action", "subject_kind", "subject", "before", "after",
    "address", "request",
)  # fmt: skip


class Format(StrEnum):
    """What a file is to be."""

    CSV = "csv"
    NDJSON = "ndjson"

    @property
    def media_type(self) -> str:
        """As HTTP calls it (RFC 7111; there is no registration of the other)."""
        if self is Format.CSV:
            return "text/csv; charset=utf-8; header=present"
        return "application/x-ndjson"


async def export_jobs(
    ob: Onbeat, wanted: JobFilter, form: Format, *, with_args: bool
) -> AsyncIterator[bytes]:
    """The jobs of a list, in its order, as a file, a page at a time.

    Jobs that are made after it began are no part of it. Raises InvalidInput, StoreError.
    """
    columns = JOB_COLUMNS if with_args else JOB_COLUMNS[:-1]
    async with aclosing(_job_pages(ob, wanted)) as pages:
        async for chunk in _chunks(pages, partial(job_shown, with_args=with_args), columns, form):
            yield chunk


async def export_audit(ob: Onbeat, wanted: AuditFilter, form: Format) -> AsyncIterator[bytes]:
    """The same for entries of the audit log, the newest first."""
    async with aclosing(_entry_pages(ob, wanted)) as pages:
        async for chunk in _chunks(pages, entry_data, AUDIT_COLUMNS, form):
            yield chunk


async def _job_pages(ob: Onbeat, wanted: JobFilter) -> AsyncGenerator[Sequence[Job], None]:
    began = await (await ob.store()).read(lambda _, now: now)
    after = wanted.after
    is_by_end = Sort(wanted.sort).is_by_end

    def is_later(job: Job) -> bool:
        moment = job.finished_at if is_by_end else job.created_at
        return moment is not None and moment > began

    while True:
        page = await ob.jobs.page(replace(wanted, after=after, limit=JOBS_AT_ONCE))
        yield [job for job in page.jobs if not is_later(job)]
        after = page.after
        # A list from the oldest on comes to what was made since, and need not run after it.
        if after is None or (page.jobs and all(map(is_later, page.jobs))):
            return


async def _entry_pages(ob: Onbeat, wanted: AuditFilter) -> AsyncGenerator[Sequence[Entry], None]:
    before = wanted.before
    while True:
        page = replace(wanted, before=before, limit=AT_ONCE)
        if wanted.search is None:
            found = await ob.audit.list(page)
            before = found[-1].id if len(found) == AT_ONCE else None
        else:
            found, before = await ob.audit.search(page)
        yield found
        if before is None:
            return


async def _chunks(
    pages: AsyncIterator[Sequence[T]],
    tell: Callable[[T], dict[str, Any]],
    columns: Sequence[str],
    form: Format,
) -> AsyncIterator[bytes]:
    """Each page as a piece of the file; the header of CSV with the first."""
    head = csv_lines([columns]) if form is Format.CSV else ""
    async for page in pages:
        rows = [tell(each) for each in page]
        yield (head + _written(rows, columns, form)).encode()
        head = ""


def _written(rows: Sequence[dict[str, Any]], columns: Sequence[str], form: Format) -> str:
    if form is Format.CSV:
        return csv_lines([row[name] for name in columns] for row in rows)
    encode = msgspec.json.encode
    return "".join(f"{encode({name: row[name] for name in columns}).decode()}\n" for row in rows)
