"""What jobs that are bound are held to, by when they were seen to begin and to end.

An attempt whose lease was lost may go on unknowing beside the one after it (docs/guarantees.md):
it is no part of what is counted.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from onbeat.domain.workflows import NewWorkflow, OnFailure
from tests.chaos.checker import Books
from tests.chaos.findings import Finding
from tests.simulation.bonds import Bonds
from tests.simulation.tasks import AT_ONCE, BURST, INTERVAL, PROBES


class Lease(NamedTuple):
    """An attempt on record; seconds since 1970 by the database."""

    job: str
    token: int
    begin: float
    end: float


class Opening(NamedTuple):
    """A breaker that opened; seconds since 1970 by the database."""

    begin: float
    until: float


class Totals(NamedTuple):
    """What a workflow says of itself."""

    total: int
    ended: int
    failed: int
    cancelled: int
    is_over: bool


@dataclass
class BondRecord:
    """What is known of jobs that are bound, after all is over."""

    bonds: Bonds
    leases: list[Lease]
    revived: set[str]
    """Jobs that were run again by hand."""
    called_off: set[str]
    set_back: list[int] = field(default_factory=list)
    """The last tokens given out when the database's clock was set back."""
    clock_began: float | None = None
    """What time it was by the database's clock in virtual second 0; None where it was set."""
    openings: list[Opening] = field(default_factory=list)
    totals: dict[str, Totals] = field(default_factory=dict)


def check_bonds(record: BondRecord, books: Books) -> Iterator[Finding]:
    """All that is wrong with them."""
    spans = _spans(books)
    yield from _no_more_at_once(books, spans)
    yield from _no_faster(record, books)
    yield from _keys_are_had_by_one(record, books, spans)
    yield from _refused_are_not_stored(record, books)
    yield from _overdue_never_began(record, books)
    yield from _open_breakers_hold(record, books)
    for flow in record.bonds.flows:
        yield from _children_wait(record, flow, books, spans)
        yield from _totals_are_right(record, flow, books)


Span = tuple[int, int]
"""From which to which effect of a run an attempt was seen."""


def _spans(books: Books) -> dict[str, list[Span]]:
    """When the attempts of each job were seen to run, those apart whose lease was lost."""
    lost = {(each.job, each.token) for each in books.history.attempts if each.outcome == "lost"}
    seen: dict[tuple[str, int], Span] = {}
    for place, effect in enumerate(books.history.effects):
        attempt = (effect.job, effect.token)
        if attempt not in lost:
            seen[attempt] = (seen.get(attempt, (place, place))[0], place)
    spans: dict[str, list[Span]] = defaultdict(list)
    for (job, _), span in sorted(seen.items(), key=lambda each: each[1]):
        spans[job].append(span)
    return spans


def _task(books: Books, job: str) -> str:
    return books.jobs[job].task if job in books.jobs else ""


def _no_more_at_once(books: Books, spans: dict[str, list[Span]]) -> Iterator[Finding]:
    mine = [span for job, own in spans.items() if _task(books, job) == "swim" for span in own]
    for most in _beyond(mine, AT_ONCE):
        yield Finding("no more run at once than a limit allows", "pool", f"{most} at once")
        return


def _beyond(spans: Sequence[tuple[float, float]], most: int) -> Iterator[int]:
    """How many there were at once, where that were more than `most`."""
    begun: list[tuple[float, float]] = []
    for begin, end in sorted(spans):
        begun = [each for each in begun if each[1] > begin]
        begun.append((begin, end))
        if len(begun) > most:
            yield len(begun)


def _no_faster(record: BondRecord, books: Books) -> Iterator[Finding]:
    """In any time t no more than burst + t * rate begin, by a clock that is not set back."""
    mine = sorted(each for each in record.leases if _task(books, each.job) == "pace")
    mine.sort(key=lambda each: each.token)
    for number, first in enumerate(mine):
        for more, last in enumerate(mine[number + 1 :], start=2):
            if any(first.token <= token < last.token for token in record.set_back):
                break
            if more > BURST + (last.begin - first.begin + 1e-5) / INTERVAL:
                detail = f"{more} in {last.begin - first.begin:.3f} s"
                yield Finding("no more begin in a time than a rate allows", "pace", detail)
                return


def _keys_are_had_by_one(
    record: BondRecord, books: Books, spans: dict[str, list[Span]]
) -> Iterator[Finding]:
    """From the first begin of a job to its end no other of its key begins."""
    by_key: dict[str, list[tuple[int, int, str]]] = defaultdict(list)
    for job, key in record.bonds.keys.items():
        if job in books.jobs and spans.get(job) and job not in record.revived:
            by_key[key].append((spans[job][0][0], spans[job][-1][1], job))
    for key, mine in by_key.items():
        for _ in _beyond([(begin, end) for begin, end, _ in mine], 1):
            yield Finding("a unique key is had by one job", key, str([job for *_, job in mine]))
            break


def _refused_are_not_stored(record: BondRecord, books: Books) -> Iterator[Finding]:
    keys = record.bonds.keys
    for job, holder in record.bonds.refused.items():
        if job in books.jobs:
            yield Finding("who is refused a key is not stored", job, holder)
        if holder not in books.jobs or keys.get(holder) != keys[job]:
            yield Finding("who is refused a key is told who has it", job, holder)


def _overdue_never_began(record: BondRecord, books: Books) -> Iterator[Finding]:
    for job in record.bonds.dated:
        for end in books.ends.get(job, []):
            if (end.reason or "").startswith("expired") and books.attempts.get(job):
                yield Finding("who has begun does not expire", job, end.reason or "")


def _open_breakers_hold(record: BondRecord, books: Books) -> Iterator[Finding]:
    """None is claimed while a breaker is open, and then no more than may try.

    Judged where the database's clock was never set, and until a success is seen that may close it.
    """
    if record.clock_began is None:
        return
    mine = [each for each in record.leases if _task(books, each.job) == "call"]
    for number, opening in enumerate(sorted(record.openings)):
        following = [each.begin for each in sorted(record.openings)[number + 1 :]]
        over = min([_first_success(record, books, opening.begin), *following])
        early = [each for each in mine if opening.begin < each.begin < min(opening.until, over)]
        if early:
            detail = f"{early[0].token} {early[0].begin - opening.begin:.3f} s after it opened"
            yield Finding("while a breaker is open none begins", early[0].job, detail)
        probes = [(each.begin, each.end) for each in mine if opening.until <= each.begin < over]
        for most in _beyond(probes, PROBES):
            yield Finding("only so many probes try", "bank", f"{most} at once")
            break


def _first_success(record: BondRecord, books: Books, after: float) -> float:
    """When a call was first seen to succeed that was seen to begin after a moment."""
    assert record.clock_began is not None
    began: set[tuple[str, int]] = set()
    for effect in books.history.effects:
        if _task(books, effect.job) != "call" or effect.at + record.clock_began < after:
            continue
        if effect.word == "begin":
            began.add((effect.job, effect.token))
        elif effect.word == "end" and (effect.job, effect.token) in began:
            return effect.at + record.clock_began
    return float("inf")


def _children_wait(
    record: BondRecord, flow: NewWorkflow, books: Books, spans: dict[str, list[Span]]
) -> Iterator[Finding]:
    """A job begins after all its parents have ended, and only as the policy wants; else it is
    called off. What was run again by hand may run whatever it waited for.
    """
    jobs = {member.job.id for member in flow.members}
    if jobs & record.revived:
        return
    outcome = {job: end[-1].outcome for job in jobs if (end := books.ends.get(job))}
    for job in jobs:
        edges = [edge for edge in flow.edges if edge.job == job]
        begins = books.begins.get(job)
        for edge in edges:
            ran = spans.get(edge.parent)
            first = spans[job][0][0] if spans.get(job) else None
            if ran and first is not None and first < ran[-1][1]:
                yield Finding("no job begins before its parents have ended", job, edge.parent)
        is_off = any(
            outcome.get(edge.parent) != "completed"
            and (edge.on == "success" or flow.on_failure is OnFailure.END)
            for edge in edges
        )
        if is_off and begins:
            yield Finding("what a failure calls off does not begin", job, flow.id)
        if not is_off and not begins and job not in record.called_off:
            yield Finding("what may go on goes on", job, flow.id)


def _totals_are_right(record: BondRecord, flow: NewWorkflow, books: Books) -> Iterator[Finding]:
    ends = Counter(
        end.outcome for member in flow.members for end in books.ends.get(member.job.id, [])
    )
    expected = Totals(
        len(flow.members), ends.total(), ends["failed"], ends["cancelled"], is_over=True
    )
    if record.totals.get(flow.id) != expected:
        detail = f"{record.totals.get(flow.id)}, and it is {expected}"
        yield Finding("a workflow ends with the totals of its jobs", flow.id, detail)
