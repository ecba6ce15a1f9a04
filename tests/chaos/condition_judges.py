"""The judges of jobs on conditions: from what jobs noted, and what the client was answered.

Nothing here looks at how the store counts slots, keys or parents.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from tests.chaos import conditions as chaos
from tests.chaos.effects import Word
from tests.chaos.findings import Finding
from tests.chaos.history import Answer, End, History
from tests.chaos.spans import BEGINS_AFTER, HEARS_AFTER, TERM, Span, spans
from tests.chaos.wishes import BY_CLIENT

UNTIL_ENDED = (chaos.alone.name, chaos.latest.name)
UNTIL_BEGUN = (chaos.one_waits.name, chaos.newest_waits.name)
REPLACING = (chaos.latest.name, chaos.newest_waits.name)

TELLS_AFTER = 5.0
"""Seconds after a failure in which its worker, if it lives, has told the store of it."""

NEVER = float("inf")


@dataclass
class Seen:
    """What the notes of a run say of its attempts."""

    all: list[Span]
    of_job: dict[str, list[Span]]
    by_what: dict[str, list[Span]]
    """By what they had while they ran."""
    first: dict[str, int]
    """The token of each job's first attempt on record; it may have been lost before it began."""


def see(history: History) -> Seen:
    """Sort the attempts."""
    first: dict[str, int] = {}
    for attempt in history.attempts:
        first[attempt.job] = min(attempt.token, first.get(attempt.job, attempt.token))
    found = Seen(spans(history), defaultdict(list), defaultdict(list), first)
    for span in found.all:
        found.of_job[span.job].append(span)
        for what in span.under:
            found.by_what[what].append(span)
    return found


def figures(history: History) -> dict[str, object]:
    """How much of each happened, and how hard it pressed."""
    seen = see(history)
    most: dict[str, int] = {}
    for what, some in seen.by_what.items():
        limit = what.partition(":")[0]
        if limit in chaos.MOST:
            most[limit] = max(most.get(limit, 0), *(count for _, count in _at_once(some)))
    return {
        "limits changed": sum(each.is_answered for each in history.changes),
        "most at once": most,
        "attempts with conditions": sum(bool(each.under) for each in seen.all),
        "of them excused": sum(each.is_excused and bool(each.under) for each in seen.all),
        "refused": sum(len(each.refused) for each in history.requests),
        "cancelled": dict(Counter(
            _shortly(each.reason or "") for each in history.ends if each.outcome == "cancelled"
        )),
        "workflows": len(history.totals),
        "seconds the dependency was down": round(sum(up - down for down, up in history.outages)),
        "calls while it was": sum(
            down < each.begin < up for each in seen.by_what["dependency:"]
            for down, up in history.outages
        ),
    }  # fmt: skip


def _shortly(reason: str) -> str:
    kinds = (EXPIRED, "replaced by", "it waits for that", BY_CLIENT)
    return next((kind.strip(": ") for kind in kinds if kind in reason), reason)


def limits_hold(history: History, seen: Seen) -> Iterator[Finding]:
    """No more run at once than a limit allows, or did allow when they were claimed."""
    for what, some in sorted(seen.by_what.items()):
        limit = what.partition(":")[0]
        if limit not in chaos.MOST:
            continue
        for span, count in _at_once(some):
            allowed = _allowed(history, limit, span.begin)
            if count > allowed:
                detail = f"{count} at once at {span.begin:.3f}, {allowed} may"
                yield Finding("a limit is never exceeded", what, detail)


def _at_once(some: Iterable[Span]) -> Iterator[tuple[Span, int]]:
    """Each span with how many ran in the moment it began, itself included."""
    running: list[Span] = []
    for span in some:
        running = [each for each in running if each.end > span.begin]
        if span.end > span.begin:
            running.append(span)
        yield span, len(running)


def _allowed(history: History, limit: str, at: float) -> int:
    """The most that may have been allowed when a job was claimed that begins then."""
    may_be = most = {chaos.MOST[limit]}
    for change in history.changes:
        if change.limit != limit or change.at > at:
            continue
        may_be = {change.most} if change.is_answered else {*may_be, change.most}
        most = may_be if change.at < at - BEGINS_AFTER else most | may_be
    return max(most)


def rates_hold(history: History, seen: Seen) -> Iterator[Finding]:
    """In any time no more are claimed than the burst, and what the rate gives in that time."""
    bounds = chaos.PACE.bounds
    each_second = (bounds.rate or 0) / (bounds.period or 1) * 1_000_000
    some = seen.by_what["pace:"]
    for first in some:
        inside = [each for each in some if each.claimed_from >= first.claimed_from]
        inside.sort(key=lambda each: each.begin)
        for count, last in enumerate(inside, 1):
            time = last.begin - first.claimed_from
            if count > (bounds.burst or 0) + time * each_second:
                detail = f"{count} in {time:.2f} s until {last.begin:.3f}"
                yield Finding("a rate is never exceeded", "pace", detail)
                return


def keys_are_had_once(history: History, seen: Seen) -> Iterator[Finding]:
    """From its first begin to its last end no other job of its key begins."""
    promise = "a key is never had twice"
    for what, some in sorted(seen.by_what.items()):
        if what.partition(":")[0] not in UNTIL_ENDED:
            continue
        had: dict[str, tuple[float, float]] = {}
        for span in some:
            begin, end = had.get(span.job, (span.begin, span.end))
            had[span.job] = min(begin, span.begin), max(end, span.end)
        ordered = sorted((begin, end, job) for job, (begin, end) in had.items())
        last = (0.0, "")
        for begin, end, job in ordered:
            if begin < last[0]:
                yield Finding(promise, job, f"{what}: {last[1]} had it until {last[0]:.3f}")
            last = max(last, (end, job))


def one_waits_for_a_key(history: History, seen: Seen) -> Iterator[Finding]:
    """Two jobs with a key until they begin do not wait at one time."""
    promise = "of a key until it begins one waits"
    for key, some in _stored(history, UNTIL_BEGUN).items():
        for each, later in _pairs(some):
            waits_until = _waits_until(seen, each.job)
            if later.answered < waits_until:
                yield Finding(promise, later.job, f"{key}: {each.job} until {waits_until:.3f}")


def _waits_until(seen: Seen, job: str) -> float:
    """Until when it was surely not claimed: 0 where nothing is known of it."""
    began = seen.of_job.get(job)
    if not began or seen.first.get(job) != began[0].token:
        return 0.0
    return began[0].claimed_from


@dataclass(frozen=True)
class Stored:
    """A job that was stored under a key, and between which moments."""

    job: str
    began: float
    answered: float


def _stored(history: History, tasks: Iterable[str]) -> dict[str, list[Stored]]:
    found: dict[str, list[Stored]] = defaultdict(list)
    for request in history.requests:
        for job, key in request.jobs.items():
            if request.task in tasks and job not in request.refused:
                found[f"{request.task}:{key}"].append(Stored(job, request.began, request.answered))
    return found


def _pairs(some: list[Stored]) -> Iterator[tuple[Stored, Stored]]:
    """Each with each that was surely stored after it."""
    for each in some:
        for later in some:
            if each.answered < later.began:
                yield each, later


def times_apart_are_kept(history: History, seen: Seen) -> Iterator[Finding]:
    """Jobs with a key for a time are stored no nearer to each other than that."""
    for key, some in _stored(history, [chaos.seldom.name]).items():
        for each, later in _pairs(some):
            apart = later.answered - each.began
            if apart < chaos.WITHIN:
                detail = f"{key}: {apart:.3f} s after {each.job}"
                yield Finding("a key for a time is had so long", later.job, detail)


def the_last_asked_for_runs(history: History, seen: Seen) -> Iterator[Finding]:
    """A job in whose place another was stored does not begin any more."""
    for key, some in _stored(history, REPLACING).items():
        for each, later in _pairs(some):
            for span in seen.of_job.get(each.job, [])[:1]:
                is_late = span.claimed_from > later.answered or (
                    key.startswith(chaos.latest.name) and span.begin > later.answered
                )
                if is_late and span.token == seen.first.get(each.job):
                    detail = f"{key}: {later.job} took its place"
                    yield Finding("who is replaced does not begin", each.job, detail)


def refused_jobs_do_not_run(history: History, seen: Seen) -> Iterator[Finding]:
    """A job that was refused is not in the book; who refused it has its key."""
    promise = "a refused job is not stored"
    booked = {each.id for each in history.booked}
    keys = {job: (each.task, key) for each in history.requests for job, key in each.jobs.items()}
    for job, answer in history.asked.items():
        if answer is Answer.REFUSED and (job in booked or job in seen.of_job):
            yield Finding(promise, job)
    for request in history.requests:
        for job, holder in request.refused.items():
            if keys.get(holder, keys[job]) != keys[job] or holder == job:
                yield Finding("who is refused is told who has the key", job, holder)


def deadlines_hold(history: History, seen: Seen) -> Iterator[Finding]:
    """No job is claimed for the first time after the moment by which it must begin."""
    walls = {(each.job, each.token): each.wall for each in history.effects}
    ends = {each.job: each for each in history.ends}
    for what, some in seen.by_what.items():
        kind, _, by = what.partition(":")
        for span in some if kind == "by" else ():
            late = walls[span.job, span.token] - (span.begin - span.claimed_from) - float(by)
            if late > 0 and span.token == seen.first.get(span.job):
                yield Finding("nothing begins too late", span.job, f"{late:.3f} s")
            ended = ends.get(span.job)
            if ended is not None and (ended.reason or "").startswith(EXPIRED):
                yield Finding("what has begun does not expire", span.job)


EXPIRED = "expired: "


def an_open_breaker_holds_back(history: History, seen: Seen) -> Iterator[Finding]:
    """While its dependency is down, and it has opened: no more at once than may try, and seldom."""
    rule = chaos.DEPENDENCY.rule
    some = seen.by_what["dependency:"]
    for down, up in history.outages:
        failed = sorted(
            each.end for each in some
            if each.word is Word.OVER and down <= each.begin and each.end < up
            and history.deaths.get(each.worker, NEVER) > each.end + TELLS_AFTER
        )  # fmt: skip
        if len(failed) < 2 * rule.threshold:
            continue
        opened = failed[2 * rule.threshold - 1] + TELLS_AFTER
        if opened >= up:
            continue
        tried = [each for each in some if opened < each.claimed_from and each.begin < up]
        for span, count in _at_once(tried):
            if count > rule.probes:
                detail = f"{count} at once at {span.begin:.3f}"
                yield Finding("a breaker lets no more try than it may", "dependency", detail)
        most = 2 * rule.probes * ((up - opened) / rule.open_for.total_seconds() + 1)
        if len(tried) > most:
            detail = f"{len(tried)} in {up - opened:.1f} s"
            yield Finding("an open breaker holds jobs back", "dependency", detail)


def children_follow_their_parents(history: History, seen: Seen) -> Iterator[Finding]:
    """Who waits for success begins after that; who waits for an end, after the last begin."""
    promise = "no job begins before its parents have ended"
    for flow in history.flows.values():
        for parent, child, on in flow.edges:
            began = min((each.begin for each in seen.of_job.get(child, [])), default=NEVER)
            if began == NEVER:
                continue
            mine = seen.of_job.get(parent, [])
            done = min((each.end for each in mine if each.word is Word.END), default=NEVER)
            tried = [each.begin for each in mine if not each.is_excused]
            if on == "success" and done > began:
                yield Finding(promise, child, f"{parent} had not succeeded")
            elif max(tried, default=0.0) > began:
                yield Finding(promise, child, f"{parent} began later")


def workflows_are_whole(history: History, seen: Seen) -> Iterator[Finding]:
    """A workflow is stored whole or not at all, and its totals are those of its jobs' ends."""
    booked = {each.id for each in history.booked}
    ends = {each.job: each.outcome for each in history.ends}
    totals = {each.id: each for each in history.totals}
    for flow in history.flows.values():
        there = [job for job in flow.members if job in booked]
        if there and len(there) != len(flow.members):
            yield Finding("a workflow is stored whole", flow.id, f"{len(there)} jobs")
        if not there:
            continue
        outcomes = [ends.get(job) for job in flow.members]
        wanted = (len(outcomes), len(outcomes), outcomes.count("failed"),
                  outcomes.count("cancelled"), True)  # fmt: skip
        row = totals.get(flow.id)
        told = None if row is None else (
            row.total, row.ended, row.failed, row.cancelled, row.is_over
        )  # fmt: skip
        if told != wanted:
            yield Finding("a workflow's totals are right", flow.id, f"{told}, not {wanted}")


def what_is_called_off_ends(history: History, seen: Seen) -> Iterator[Finding]:
    """A job that was called off while it waited begins no more; one that ran, ends soon."""
    promise = "what is called off ends"
    for cancel in history.cancels:
        for span in seen.of_job.get(cancel.job, []):
            if cancel.state == "cancelled" and span.begin > cancel.at:
                yield Finding(promise, cancel.job, f"it began {span.begin - cancel.at:.1f} s later")
            late = span.end - cancel.at
            if cancel.state == "running" and not span.is_excused and late > TERM + HEARS_AFTER:
                yield Finding(promise, cancel.job, f"it went on for {late:.1f} s")


def why_not_called_off(history: History, end: End, task: str) -> str | None:
    """What is wrong with the end of a job that was cancelled; None when it may be so."""
    reason = end.reason or ""
    if reason.startswith(EXPIRED):
        return None if task == chaos.in_time.name else "it has no deadline"
    if reason.startswith("replaced by job "):
        other = reason.rpartition(" ")[2]
        is_known = any(each.id == other and each.task == task for each in history.booked)
        return None if is_known and task in REPLACING else "it was not replaced"
    if reason.endswith(", and it waits for that"):
        of_flow = any(end.job in flow.members for flow in history.flows.values())
        return None if of_flow else "it waits for nobody"
    if end.job in history.called_off or task in history.called_off:
        return None
    return "nobody called it off"
