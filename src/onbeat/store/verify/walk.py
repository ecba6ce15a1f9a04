"""`verify`: walk a live store in chunks, look at what seems wrong once more, and report.

Each chunk is a transaction of its own, so that no snapshot is held for long and memory stays flat.
What seems wrong is looked at again at the end: only what is wrong both times is reported.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from functools import partial
from itertools import chain, islice
from typing import Any

from sqlalchemy import ColumnElement, Connection

from onbeat.store.marks import Mark
from onbeat.store.store import Store
from onbeat.store.verify import jobs, keys, ledger, lost, marks, slots, totals
from onbeat.store.verify.laws import MOST_OF_A_LAW, Breach, Law, Report
from onbeat.store.verify.tokens import Seen

CHUNK = 5_000
AT_ONCE = 500
"""Jobs that are looked at again in one transaction."""

Tell = Callable[[Report], None]


async def verify(store: Store, tell: Tell = lambda _: None, *, chunk: int = CHUNK) -> Report:
    """Read everything, `chunk` rows at a time, and report which laws are broken.

    `tell` is called after each chunk. Raises StoreError.
    """
    report = Report()
    suspects = Suspects()
    gone = await store.read(lost.look)
    await _walk_jobs(store, report, suspects, tell, chunk)
    await _walk_ledger(store, report, suspects, tell, chunk)
    await _walk_workflows(store, suspects)
    await _walk_marks(store, suspects, chunk)
    suspects.add(await store.read(lambda connection, _: list(ledger.waiting_in_vain(connection))))
    suspects.add(await store.read(lambda connection, _: list(slots.breaches(connection))))
    suspects.add(await store.read(lambda connection, _: list(keys.breaches(connection))))
    report.breaches = await confirmed(store, suspects)
    await _wait_for_rescue(store, report, gone)
    return report


class Suspects:
    """What seemed wrong, at most 1,000 of each law."""

    def __init__(self) -> None:
        """Begin with none."""
        self._counts: Counter[Law] = Counter()
        self.all: list[Breach] = []

    def add(self, found: Iterable[Breach]) -> None:
        """Keep `found` as long as there is room."""
        for breach in found:
            if self._counts[breach.law] < MOST_OF_A_LAW:
                self._counts[breach.law] += 1
                self.all.append(breach)


async def _walk_jobs(
    store: Store, report: Report, suspects: Suspects, tell: Tell, chunk: int
) -> None:
    seen = Seen()
    after: str | None = None
    while True:
        through, scope, found, tokens = await store.read(
            partial(_read_jobs, after=after, count=chunk)
        )
        report.jobs += scope
        report.attempts += len(tokens)
        seen.add(tokens)
        suspects.add(found)
        tell(report)
        if through is None:
            break
        after = through
    if seen.twice:
        shared = sorted(seen.twice)[:MOST_OF_A_LAW]
        suspects.add(await store.read(lambda connection, _: list(jobs.holders(connection, shared))))


def _read_jobs(
    connection: Connection, _: datetime, *, after: str | None, count: int
) -> tuple[str | None, int, list[Breach], list[int]]:
    through = jobs.bound(connection, after, count)
    scope = jobs.between(after, through)
    return (
        through,
        jobs.count_jobs(connection, scope),
        list(_of_jobs(connection, scope)),
        jobs.tokens(connection, scope),
    )


def _of_jobs(connection: Connection, scope: jobs.Scope) -> Iterator[Breach]:
    return chain(
        jobs.breaches(connection, scope),
        keys.not_had(connection, scope),
        marks.missing(connection, scope),
    )


async def _walk_marks(store: Store, suspects: Suspects, chunk: int) -> None:
    after: Mark | None = None
    while True:
        rows, found = await store.read(partial(_read_marks, after=after, count=chunk))
        suspects.add(found)
        if len(rows) < chunk:
            return
        after = rows[-1]


def _read_marks(
    connection: Connection, _: datetime, *, after: Mark | None, count: int
) -> tuple[Sequence[Mark], list[Breach]]:
    return marks.page(connection, after, count)


async def _walk_workflows(store: Store, suspects: Suspects) -> None:
    after: str | None = None
    while True:
        ids, found = await store.read(partial(_read_workflows, after=after))
        suspects.add(found)
        if len(ids) < AT_ONCE:
            return
        after = ids[-1]


def _read_workflows(
    connection: Connection, _: datetime, *, after: str | None
) -> tuple[Sequence[str], list[Breach]]:
    ids = totals.page(connection, after, AT_ONCE)
    return ids, list(totals.breaches(connection, ids))


async def _walk_ledger(
    store: Store, report: Report, suspects: Suspects, tell: Tell, chunk: int
) -> None:
    first: ledger.Entry | None = None
    while True:
        last, count, found = await store.read(
            partial(_read_ledger, first=first, count=max(chunk, 2))
        )
        # A span begins with the row the one before ended with, to compare it with the next.
        report.occurrences += count - (first is not None)
        suspects.add(found)
        tell(report)
        if last is None:
            return
        first = last


def _read_ledger(
    connection: Connection, _: datetime, *, first: ledger.Entry | None, count: int
) -> tuple[ledger.Entry | None, int, list[Breach]]:
    last = ledger.bound(connection, first, count)
    span = ledger.Span(first, last)
    return last, ledger.count_occurrences(connection, span), list(ledger.breaches(connection, span))


async def confirmed(store: Store, suspects: Suspects) -> list[Breach]:
    """What is still wrong. A shared token stays shared: those are on record for good."""
    confirmed = [each for each in suspects.all if each.law in FOR_GOOD]
    for laws, look in IN_ONE:
        mine = [each for each in suspects.all if each.law in laws]
        if mine:
            still = await store.read(partial(_look_once_more, look=look))
            confirmed += [each for each in mine if each in still]
    of_marks = [each for each in suspects.all if each.law is Law.MARK_WITHOUT_JOB]
    for some in _in_batches(of_marks, AT_ONCE):
        again = await store.read(partial(_look_at_marks, some=some))
        confirmed += [each for each in some if each in again]
    of_flows = [each for each in suspects.all if each.law is Law.WORKFLOW_TOTALS]
    for some in _in_batches(of_flows, AT_ONCE):
        again = await store.read(partial(_look_at_workflows, ids=[each.subject for each in some]))
        confirmed += [each for each in some if each in again]
    for each in suspects.all:
        if each.span is not None:
            confirmed += await store.read(partial(_look_at_span, breach=each, span=each.span))
    of_jobs = [each for each in suspects.all if each.law in OF_JOBS]
    for some in _in_batches(of_jobs, AT_ONCE):
        again = await store.read(partial(_look_at_jobs, ids=[each.subject for each in some]))
        confirmed += [each for each in some if each in again]
    return sorted(
        dict.fromkeys(confirmed), key=lambda each: (list(Law).index(each.law), each.subject)
    )


FOR_GOOD = frozenset({Law.SHARED_TOKEN})
IN_ONE: tuple[tuple[frozenset[Law], Callable[[Connection], Iterable[Breach]]], ...] = (
    (frozenset({Law.AWAITS_ENDED_JOB}), ledger.waiting_in_vain),
    (frozenset({Law.SLOT_COUNT}), slots.breaches),
    (frozenset({Law.KEY_OF_ENDED_JOB, Law.DEADLINE_OF_NO_WAITING_JOB}), keys.breaches),
)
"""Laws that are looked at all at once, and how."""
OF_JOBS = frozenset({
    Law.NO_PLACE, Law.TWO_PLACES, Law.ENDED_TWICE, Law.NO_BOOK, Law.TOKEN_ORDER, Law.WRONG_END,
    Law.JOB_WITHOUT_OCCURRENCE, Law.LEASE_WITHOUT_SESSION, Law.WAITS_IN_VAIN, Law.PARENT_COUNT,
    Law.KEY_NOT_HAD, Law.MARK_MISSING,
})  # fmt: skip


def _in_batches(all_of_them: list[Breach], size: int) -> Iterator[list[Breach]]:
    rest = iter(all_of_them)
    while some := list(islice(rest, size)):
        yield some


def _look_once_more(
    connection: Connection, _: datetime, *, look: Callable[[Connection], Iterable[Breach]]
) -> set[Breach]:
    return set(look(connection))


def _look_at_jobs(connection: Connection, _: datetime, *, ids: list[str]) -> set[Breach]:
    def scope(column: Any) -> ColumnElement[bool]:
        condition: ColumnElement[bool] = column.in_(ids)
        return condition

    return set(_of_jobs(connection, scope))


def _look_at_marks(connection: Connection, _: datetime, *, some: list[Breach]) -> set[Breach]:
    rows = [(each.detail, each.subject) for each in some]
    return set(marks.without_job(connection, rows))


def _look_at_workflows(connection: Connection, _: datetime, *, ids: list[str]) -> set[Breach]:
    return set(totals.breaches(connection, ids))


def _look_at_span(
    connection: Connection, _: datetime, *, breach: Breach, span: tuple[datetime, datetime]
) -> list[Breach]:
    first, last = (ledger.Entry(breach.subject, moment) for moment in span)
    found = ledger.breaches(connection, ledger.Span(first, last))
    return [each for each in found if each == breach]


async def _wait_for_rescue(store: Store, report: Report, before: lost.Lost) -> None:
    """Give a rescuer on duty the time it takes; look whether it left any lease alone."""
    if before.held and before.rescuer is not None:
        await store.timing.wait(asyncio.Event(), before.patience.total_seconds())
    after = await store.read(lost.look)
    report.breaches += lost.left_alone(before, after)
    told = lost.remark(after)
    if told is not None:
        report.remarks.append(told)
