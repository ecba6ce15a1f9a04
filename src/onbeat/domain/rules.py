"""Rules: what opens an incident, and what closes it again. Pure.

A rule has a condition, of which a look tells of which subjects it holds. `judge` weighs a look
against what is remembered of the subject: it opens once the condition has held for so many looks in
a row and for so long, and closes once it has not for so many.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from fnmatch import fnmatchcase
from typing import Final

import msgspec

from onbeat.domain.incidents import Kind, Severity


class Condition(StrEnum):
    """What a rule looks for."""

    FAILED = "failed"
    """A job failed for good, and none has completed since."""
    IN_A_ROW = "in-a-row"
    """So many jobs failed, and none completed between."""
    FAILURE_RATE = "failure-rate"
    """Such a share of jobs failed, of at least so many in a window."""
    SLOW = "slow"
    """More than 1 in 20 runs took longer, of at least so many in a window."""
    STALE = "stale"
    """A schedule was due, and has not succeeded since, for so long."""
    SILENT = "silent"
    """Jobs run at a worker that has not been heard of for so long."""
    LATE = "late"
    """A schedule is due, and has made no job for so long."""
    MISSED = "missed"
    """Moments of a schedule were missed."""
    STUCK = "stuck"
    """Jobs run for so long, and three times as long as any in the last days."""
    BACKLOG = "backlog"
    """The next job of a queue has waited for so long."""
    NO_WORKERS = "no-workers"
    """Jobs wait in a queue that no worker serves."""
    WORKER_LOST = "worker-lost"
    """A worker was given up, and jobs with it."""
    NO_SCHEDULER = "no-scheduler"
    """There are schedules, and no scheduler is at work, or none was."""
    CYCLE = "cycle"
    """A scheduler's cycle, or the judge's own round, takes nearly as long as it has."""
    DATABASE = "database"
    """The database was out of reach, or answered slowly."""
    DELIVERIES = "deliveries"
    """A webhook or a channel was switched off, or what was last sent there failed."""
    UNUSUAL_DURATION = "unusual-duration"
    """Runs take longer than usual, or are over much sooner."""
    UNUSUAL_FAILURES = "unusual-failures"
    """More jobs fail than usual."""
    UNUSUAL_VOLUME = "unusual-volume"
    """Far more or fewer jobs end than usual."""
    UNUSUAL_LATENESS = "unusual-lateness"
    """Runs of a schedule begin later than usual."""
    DURATION_RISES = "duration-rises"
    """Runs take longer from day to day, and will reach a limit."""
    FAILURES_RISE = "failures-rise"
    """More jobs fail from day to day, and will be too many."""
    LATENESS_RISES = "lateness-rises"
    """Runs of a schedule begin later from day to day, and will count as late."""


class Limits(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """From where on a condition holds; each condition has some of these."""

    times: int | None = None
    share: float | None = None
    """0 to 1."""
    least: int | None = None
    """Of fewer runs nothing is said."""
    window: timedelta | None = None
    longer_than: timedelta | None = None


class Selector(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Of which subjects: patterns, as `mail.*`; where none is given, of all."""

    tasks: tuple[str, ...] = ()
    queues: tuple[str, ...] = ()
    schedules: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    """Of tasks, and of schedules, which have those of their task too."""

    @property
    def selects_all(self) -> bool:
        """Whether it leaves nothing out."""
        return not (self.tasks or self.queues or self.schedules or self.tags)


NONE: Final = Limits()
EVERYTHING: Final = Selector()


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """What opens incidents of which subjects."""

    name: str
    condition: Condition
    kind: Kind
    severity: Severity
    limits: Limits = NONE
    lasts: timedelta = timedelta()
    """For how long the condition must hold."""
    open_after: int = 1
    """In so many looks in a row."""
    close_after: int = 1
    selector: Selector = EVERYTHING
    enabled: bool = True
    version: int = 0
    """0 for a rule that comes with Onbeat and nobody has changed."""
    changed_at: datetime | None = None
    changed_by: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """A subject of which a condition holds."""

    kind: Kind
    subject: str
    name: str
    since: datetime
    """Since when it does."""
    figures: Mapping[str, str] = field(default_factory=dict)
    task: str | None = None
    queue: str | None = None
    schedule: str | None = None
    """Its id."""
    tags: tuple[str, ...] = ()
    says: str | None = None
    """What is wrong, in words of its own; else it is said as of all of its condition."""
    news_at: datetime | None = None
    """When something last happened of it: an incident that was resolved by hand opens for that."""
    counted_from: datetime | None = None
    """From when on it counts how long it has held, where that is on record; else the first look
    that found it is remembered.
    """
    is_over: bool = False
    """Whether it has passed, and is found for a moment still, so that it is told of at all."""

    @property
    def key(self) -> Subject:
        """Whose it is."""
        return self.kind, self.subject


Subject = tuple[Kind, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """What is remembered of a subject between looks."""

    bad: int = 0
    """Looks in a row in which the condition held, no farther than it is counted."""
    good: int = 0
    """Looks in a row in which it did not, since it opened."""
    since: datetime | None = None
    """The first of the bad ones."""
    is_open: bool = False
    dismissed_at: datetime | None = None
    """When somebody resolved it while the condition held."""


BLANK: Final = Memory()


class Move(StrEnum):
    """What a look makes of an incident."""

    NONE = "none"
    OPEN = "open"
    HOLD = "hold"
    """It is open, and still so."""
    CLOSE = "close"


@dataclass(frozen=True, slots=True)
class Look:
    """What a look says of a subject: whether the condition holds, when it last had news, and since
    when it has held, where that is on record: then that counts, and not what is remembered.
    """

    holds: bool
    news_at: datetime | None = None
    since: datetime | None = None


def judge(rule: Rule, look: Look, was: Memory, now: datetime) -> tuple[Memory, Move]:
    """What is remembered from now on, and what is done about its incident."""
    if not look.holds:
        return _good(rule, was)
    if was.dismissed_at is not None:
        if look.news_at is None or look.news_at <= was.dismissed_at:
            return was, Move.NONE
        was = BLANK
    if was.is_open:
        return replace(was, good=0), Move.HOLD
    remembered = was.since if was.since is not None and was.bad else now
    since = remembered if look.since is None else min(look.since, now)
    bad = min(was.bad + 1, rule.open_after)
    if bad >= rule.open_after and now - since >= rule.lasts:
        return Memory(bad=bad, since=since, is_open=True), Move.OPEN
    return Memory(bad=bad, since=since), Move.NONE


def _good(rule: Rule, was: Memory) -> tuple[Memory, Move]:
    if not was.is_open:
        return BLANK, Move.NONE
    good = was.good + 1
    return (BLANK, Move.CLOSE) if good >= rule.close_after else (replace(was, good=good), Move.NONE)


def dismissed(now: datetime) -> Memory:
    """What is remembered of a subject whose incident somebody resolved."""
    return Memory(dismissed_at=now)


ALL, SAME = "all", "same"

_SLOWER = (Condition.DURATION_RISES, Condition.UNUSUAL_DURATION)
_FAILING = (Condition.FAILURES_RISE, Condition.UNUSUAL_FAILURES)
_LATER = (Condition.LATENESS_RISES, Condition.UNUSUAL_LATENESS)

HIDES: Final[Mapping[Condition, Mapping[Condition, str]]] = {
    Condition.DATABASE: dict.fromkeys(
        [each for each in Condition if each is not Condition.DATABASE], ALL
    ),
    Condition.NO_SCHEDULER: dict.fromkeys(
        [Condition.LATE, Condition.MISSED, Condition.STALE, Condition.UNUSUAL_VOLUME, *_LATER], ALL
    ),
    Condition.NO_WORKERS: dict.fromkeys([Condition.BACKLOG, Condition.UNUSUAL_VOLUME], SAME),
    Condition.BACKLOG: {Condition.UNUSUAL_VOLUME: SAME},
    Condition.IN_A_ROW: dict.fromkeys(
        [Condition.FAILURE_RATE, Condition.FAILED, Condition.STALE, *_FAILING], SAME
    ),
    Condition.FAILURE_RATE: dict.fromkeys([Condition.FAILED, *_FAILING], SAME),
    Condition.SLOW: dict.fromkeys(_SLOWER, SAME),
    Condition.LATE: dict.fromkeys([*_LATER, Condition.UNUSUAL_VOLUME], SAME),
    Condition.STALE: dict.fromkeys([*_LATER, Condition.UNUSUAL_VOLUME], SAME),
    Condition.MISSED: {Condition.UNUSUAL_VOLUME: SAME},
    Condition.DURATION_RISES: {Condition.UNUSUAL_DURATION: SAME},
    Condition.FAILURES_RISE: {Condition.UNUSUAL_FAILURES: SAME},
    Condition.LATENESS_RISES: {Condition.UNUSUAL_LATENESS: SAME},
}  # fmt: skip
"""Of what an open incident hides: of all subjects, or of the same one. One hop is enough: what is
hidden hides all the same. The end of an incident is never hidden.
"""

_OF_TASK: Final = {
    Condition.IN_A_ROW: (Condition.IN_A_ROW,),
    Condition.FAILURE_RATE: (Condition.IN_A_ROW, Condition.FAILURE_RATE),
    Condition.FAILED: (Condition.IN_A_ROW, Condition.FAILURE_RATE, Condition.FAILED),
    Condition.STALE: (Condition.IN_A_ROW,),
    Condition.UNUSUAL_DURATION: (Condition.SLOW, *_SLOWER),
    Condition.DURATION_RISES: (Condition.SLOW, Condition.DURATION_RISES),
    Condition.UNUSUAL_FAILURES: (Condition.IN_A_ROW, Condition.FAILURE_RATE, *_FAILING),
    Condition.FAILURES_RISE: (Condition.IN_A_ROW, Condition.FAILURE_RATE, Condition.FAILURES_RISE),
    Condition.UNUSUAL_VOLUME: (Condition.UNUSUAL_VOLUME,),
}
"""What of a schedule is not told where one of these is open of its task."""

_OF_QUEUE: Final = {
    Condition.UNUSUAL_VOLUME: (
        Condition.NO_WORKERS, Condition.BACKLOG, Condition.UNUSUAL_VOLUME,
    ),
    Condition.UNUSUAL_LATENESS: (Condition.NO_WORKERS, Condition.BACKLOG),
}  # fmt: skip
"""What of a task or a schedule is not told where one of these is open of its queue."""


@dataclass(frozen=True, slots=True)
class Cause:
    """An open incident that may hide others."""

    rule: str
    condition: Condition
    kind: Kind
    subject: str
    severity: Severity

    def may_hide(self, severity: Severity) -> bool:
        """Whether what is so severe is hidden: what is critical by what is critical alone."""
        return severity is not Severity.CRITICAL or self.severity is Severity.CRITICAL


class Causes:
    """The open incidents that hide others, looked up by what they hide."""

    def __init__(self, causes: Iterable[Cause] = ()) -> None:
        """Those that are open."""
        self._anywhere: dict[Condition, Cause] = {}
        self._of: dict[tuple[Condition, Kind, str], Cause] = {}
        for each in sorted(causes, key=lambda each: each.severity.rank, reverse=True):
            self._anywhere.setdefault(each.condition, each)
            self._of.setdefault((each.condition, each.kind, each.subject), each)

    def hiding(
        self, condition: Condition, of: Finding, severity: Severity = Severity.ERROR
    ) -> str | None:
        """The rule of the open incident that hides what was found, if one does."""
        found = (*self._of_it(condition, of), *self._of_wholes(condition, of))
        hiding = (each for each in found if each is not None and each.may_hide(severity))
        return next((each.rule for each in hiding), None)

    def _of_it(self, condition: Condition, of: Finding) -> Iterator[Cause | None]:
        """Those that are open of anything, or of the same."""
        for cause, hidden in HIDES.items():
            how = hidden.get(condition)
            if how == ALL:
                yield self._anywhere.get(cause)
            elif how == SAME:
                yield self._of.get((cause, of.kind, of.subject))

    def _of_wholes(self, condition: Condition, of: Finding) -> Iterator[Cause | None]:
        """Those that are open of its queue or its task."""
        wholes = []
        if of.kind is not Kind.QUEUE:
            wholes += [(each, Kind.QUEUE, of.queue) for each in _OF_QUEUE.get(condition, ())]
        if of.kind is Kind.SCHEDULE:
            wholes += [(each, Kind.TASK, of.task) for each in _OF_TASK.get(condition, ())]
        for cause, kind, name in wholes:
            if name is not None:
                yield self._of.get((cause, kind, name))


CAUSES: Final = frozenset(HIDES) | {
    each for hiding in (_OF_TASK, _OF_QUEUE) for causes in hiding.values() for each in causes
}
"""The conditions of what may hide others."""


def chosen(rules: Iterable[Rule], rule: Rule, finding: Finding) -> bool:
    """Whether the rule is about what was found: it selects it, and, where it selects all, no other
    of the same condition selects it by name: the more particular rule is the one that holds.
    """
    if not _selects(rule.selector, finding):
        return False
    if not rule.selector.selects_all:
        return True
    return not any(
        each.enabled and each.condition is rule.condition and each.kind is rule.kind
        and each.name != rule.name and not each.selector.selects_all
        and _selects(each.selector, finding)
        for each in rules
    )  # fmt: skip


def _selects(selector: Selector, finding: Finding) -> bool:
    schedule = finding.name if finding.kind is Kind.SCHEDULE else None
    pairs = (
        (selector.tasks, [finding.task]),
        (selector.queues, [finding.queue]),
        (selector.schedules, [schedule]),
        (selector.tags, finding.tags),
    )
    return all(
        not patterns
        or any(fnmatchcase(name, each) for name in names if name is not None for each in patterns)
        for patterns, names in pairs
    )
