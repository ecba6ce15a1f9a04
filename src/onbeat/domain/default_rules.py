"""The rules that come with Onbeat, and what a rule may say. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Final

import msgspec

from onbeat.domain.durations import format_duration
from onbeat.domain.errors import InvalidInput
from onbeat.domain.incidents import Kind, Severity
from onbeat.domain.jobs import check_name
from onbeat.domain.rules import Condition, Limits, Rule, Selector

MOST_LOOKS: Final = 100
LONGEST: Final = timedelta(days=31)
MOST_PATTERNS: Final = 50
LONGEST_PATTERN: Final = 200
MOST_DELIVERIES: Final = 2_000
"""The last deliveries that are looked at, whatever a rule says."""


def _rule(
    name: str, condition: Condition, kind: Kind, severity: Severity, **limits: object
) -> Rule:
    said = msgspec.convert(limits, Limits)
    return Rule(name=name, condition=condition, kind=kind, severity=severity, limits=said)


DAY, WEEK = timedelta(days=1), timedelta(days=7)
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)

DEFAULTS: Final[Mapping[str, Rule]] = {
    rule.name: rule
    for rule in (
        _rule("failed", Condition.FAILED, Kind.TASK, Severity.WARNING, window=DAY),
        _rule("in-a-row", Condition.IN_A_ROW, Kind.TASK, Severity.ERROR, times=3, window=WEEK),
        _rule("schedule-in-a-row", Condition.IN_A_ROW, Kind.SCHEDULE, Severity.ERROR, times=3,
              window=31 * DAY),
        _rule("failure-rate", Condition.FAILURE_RATE, Kind.TASK, Severity.ERROR, share=0.2,
              least=20, window=HOUR),
        _rule("slow", Condition.SLOW, Kind.TASK, Severity.INFO, longer_than=timedelta(seconds=5),
              least=10, window=HOUR),
        _rule("stale", Condition.STALE, Kind.SCHEDULE, Severity.ERROR, longer_than=30 * MINUTE),
        _rule("silent", Condition.SILENT, Kind.TASK, Severity.ERROR, longer_than=30 * MINUTE),
        _rule("late", Condition.LATE, Kind.SCHEDULE, Severity.WARNING, longer_than=MINUTE),
        _rule("missed", Condition.MISSED, Kind.SCHEDULE, Severity.WARNING, window=HOUR),
        _rule("stuck", Condition.STUCK, Kind.TASK, Severity.WARNING, longer_than=HOUR),
        _rule("backlog", Condition.BACKLOG, Kind.QUEUE, Severity.WARNING, longer_than=5 * MINUTE),
        replace(_rule("no-workers", Condition.NO_WORKERS, Kind.QUEUE, Severity.ERROR),
                lasts=timedelta(seconds=15)),
        replace(_rule("worker-lost", Condition.WORKER_LOST, Kind.WORKER, Severity.ERROR, times=1),
                close_after=20),
        replace(_rule("no-scheduler", Condition.NO_SCHEDULER, Kind.SYSTEM, Severity.CRITICAL),
                lasts=timedelta(seconds=45)),
        replace(_rule("cycle", Condition.CYCLE, Kind.SYSTEM, Severity.WARNING, share=0.8),
                open_after=3, close_after=3),
        replace(_rule("database", Condition.DATABASE, Kind.SYSTEM, Severity.CRITICAL,
                      longer_than=timedelta(seconds=2)), close_after=2),
        _rule("deliveries", Condition.DELIVERIES, Kind.WEBHOOK, Severity.WARNING, times=3),
        _rule("channel-deliveries", Condition.DELIVERIES, Kind.CHANNEL, Severity.ERROR, times=3),
        _rule("unusual-duration", Condition.UNUSUAL_DURATION, Kind.TASK, Severity.INFO),
        _rule("schedule-unusual-duration", Condition.UNUSUAL_DURATION, Kind.SCHEDULE,
              Severity.INFO),
        _rule("unusual-failures", Condition.UNUSUAL_FAILURES, Kind.TASK, Severity.WARNING),
        _rule("schedule-unusual-failures", Condition.UNUSUAL_FAILURES, Kind.SCHEDULE,
              Severity.WARNING),
        _rule("unusual-volume", Condition.UNUSUAL_VOLUME, Kind.TASK, Severity.INFO),
        _rule("schedule-unusual-volume", Condition.UNUSUAL_VOLUME, Kind.SCHEDULE, Severity.INFO),
        _rule("queue-unusual-volume", Condition.UNUSUAL_VOLUME, Kind.QUEUE, Severity.INFO),
        _rule("unusual-lateness", Condition.UNUSUAL_LATENESS, Kind.SCHEDULE, Severity.INFO),
        _rule("duration-rises", Condition.DURATION_RISES, Kind.TASK, Severity.WARNING),
        _rule("schedule-duration-rises", Condition.DURATION_RISES, Kind.SCHEDULE,
              Severity.WARNING),
        _rule("failures-rise", Condition.FAILURES_RISE, Kind.TASK, Severity.WARNING),
        _rule("lateness-rises", Condition.LATENESS_RISES, Kind.SCHEDULE, Severity.WARNING),
    )
}  # fmt: skip
"""The rules that come with Onbeat, by their names; each can be changed or switched off."""

OF_ENDS: Final = (Kind.TASK, Kind.SCHEDULE, Kind.QUEUE)
"""Of what it is folded how its jobs end."""

SUBJECTS: Final[Mapping[Condition, Sequence[Kind]]] = {
    Condition.FAILED: OF_ENDS,
    Condition.IN_A_ROW: OF_ENDS,
    Condition.FAILURE_RATE: OF_ENDS,
    Condition.SLOW: (Kind.TASK, Kind.QUEUE),
    Condition.STALE: (Kind.SCHEDULE,),
    Condition.SILENT: (Kind.TASK,),
    Condition.LATE: (Kind.SCHEDULE,),
    Condition.MISSED: (Kind.SCHEDULE,),
    Condition.STUCK: (Kind.TASK,),
    Condition.BACKLOG: (Kind.QUEUE,),
    Condition.NO_WORKERS: (Kind.QUEUE,),
    Condition.WORKER_LOST: (Kind.WORKER,),
    Condition.NO_SCHEDULER: (Kind.SYSTEM,),
    Condition.CYCLE: (Kind.SYSTEM,),
    Condition.DATABASE: (Kind.SYSTEM,),
    Condition.DELIVERIES: (Kind.WEBHOOK, Kind.CHANNEL),
    Condition.UNUSUAL_DURATION: OF_ENDS,
    Condition.UNUSUAL_FAILURES: OF_ENDS,
    Condition.UNUSUAL_VOLUME: OF_ENDS,
    Condition.UNUSUAL_LATENESS: (Kind.SCHEDULE,),
    Condition.DURATION_RISES: OF_ENDS,
    Condition.FAILURES_RISE: OF_ENDS,
    Condition.LATENESS_RISES: (Kind.SCHEDULE,),
}
"""Of what a condition may be looked for; the first where nothing is said."""

LIMITS: Final[Mapping[Condition, Sequence[str]]] = {
    Condition.FAILED: ("window",),
    Condition.IN_A_ROW: ("times", "window"),
    Condition.FAILURE_RATE: ("share", "least", "window"),
    Condition.SLOW: ("longer_than", "least", "window"),
    Condition.STALE: ("longer_than",),
    Condition.SILENT: ("longer_than",),
    Condition.LATE: ("longer_than",),
    Condition.MISSED: ("window",),
    Condition.STUCK: ("longer_than",),
    Condition.BACKLOG: ("longer_than",),
    Condition.NO_WORKERS: (),
    Condition.WORKER_LOST: ("times",),
    Condition.NO_SCHEDULER: (),
    Condition.CYCLE: ("share",),
    Condition.DATABASE: ("longer_than",),
    Condition.DELIVERIES: ("times",),
    Condition.UNUSUAL_DURATION: (),
    Condition.UNUSUAL_FAILURES: (),
    Condition.UNUSUAL_VOLUME: (),
    Condition.UNUSUAL_LATENESS: (),
    Condition.DURATION_RISES: ("longer_than",),
    Condition.FAILURES_RISE: ("share",),
    Condition.LATENESS_RISES: ("longer_than",),
}
"""The limits that each condition has; all of them are given, or are as its default rule has. What
rises has none of its own there: the limits are those of other rules.
"""


def read_rule(rule: Rule) -> Rule:
    """Check it, and fill in the limits that are not given. Raises InvalidInput."""
    check_name("name", rule.name)
    kinds = SUBJECTS[rule.condition]
    if rule.kind not in kinds:
        raise InvalidInput("kind", f"{rule.condition} is nothing of a {rule.kind}; give of "
                           f"{', '.join(kinds)}")  # fmt: skip
    for field_name, looks in (("open_after", rule.open_after), ("close_after", rule.close_after)):
        if not 1 <= looks <= MOST_LOOKS:
            raise InvalidInput(field_name, f"{looks} is out of range; give 1 to {MOST_LOOKS}")
    if not timedelta() <= rule.lasts <= LONGEST:
        raise InvalidInput("for", f"it is out of range; give 0s to {format_duration(LONGEST)}")
    _check_selector(rule.selector, rule.kind)
    return replace(rule, limits=_filled(rule))


def _filled(rule: Rule) -> Limits:
    """The limits the condition has, each as given or as its default rule has it."""
    usual = next(each.limits for each in DEFAULTS.values() if each.condition is rule.condition)
    has = LIMITS[rule.condition]
    given = {name: getattr(rule.limits, name) for name in Limits.__struct_fields__}
    for name, value in given.items():
        if value is not None and name not in has:
            allowed = ", ".join(has) or "none"
            raise InvalidInput(name, f"{rule.condition} has no such limit; it has: {allowed}")
    filled = Limits(**{
        name: getattr(usual, name) if given[name] is None else given[name] for name in has
    })  # fmt: skip
    _check_limits(filled)
    return filled


def _check_limits(limits: Limits) -> None:
    if limits.times is not None and not 1 <= limits.times <= 1_000_000:
        raise InvalidInput("times", f"{limits.times} is out of range; give 1 to 1,000,000")
    if limits.least is not None and not 1 <= limits.least <= 1_000_000_000:
        raise InvalidInput("least", f"{limits.least} is out of range; give 1 or more")
    if limits.share is not None and not 0 <= limits.share <= 1:
        raise InvalidInput("share", f"{limits.share:g} is out of range; give 0 to 1, as 0.2")
    for name in ("window", "longer_than"):
        value: timedelta | None = getattr(limits, name)
        if value is not None and not timedelta() < value <= LONGEST:
            raise InvalidInput(
                name,
                f"it is out of range; give more than 0s and at most {format_duration(LONGEST)}",
            )


HAS: Final[Mapping[Kind, Sequence[str]]] = {
    Kind.TASK: ("tasks", "tags"),
    Kind.SCHEDULE: ("tasks", "queues", "schedules", "tags"),
    Kind.QUEUE: ("queues",),
}
"""By what subjects of a kind can be selected."""


def _check_selector(selector: Selector, kind: Kind) -> None:
    for name in Selector.__struct_fields__:
        patterns: tuple[str, ...] = getattr(selector, name)
        if patterns and name not in HAS.get(kind, ()):
            by = ", ".join(HAS.get(kind, ())) or "nothing: all are meant"
            raise InvalidInput(name, f"a {kind} is not selected by these; it is by {by}")
        if len(patterns) > MOST_PATTERNS:
            raise InvalidInput(name, f"there are too many; give at most {MOST_PATTERNS}")
        for each in patterns:
            if not 0 < len(each) <= LONGEST_PATTERN:
                raise InvalidInput(name, f"{each[:50]!r} is no pattern; give 1 to "
                                   f"{LONGEST_PATTERN} characters, as mail.*")  # fmt: skip


def doubts(rule: Rule, others: Iterable[Rule]) -> list[str]:
    """What is odd about it beside the others: that it can never hold, or always does, or that
    another is of the same.
    """
    return [*_odd_limits(rule), *_same(rule, others)]


def _same(rule: Rule, others: Iterable[Rule]) -> Iterator[str]:
    """Another for the same subjects: what one finds the other does too, and both are told."""
    for other in others:
        if (
            other.name != rule.name and other.enabled and rule.enabled
            and (other.condition, other.kind, other.selector)
            == (rule.condition, rule.kind, rule.selector)
        ):  # fmt: skip
            of = f"every {rule.kind}" if rule.selector.selects_all else f"the same {rule.kind}s"
            yield (f"{other.name} is of {of} too: each may open an incident of one trouble; say of "
                   "which one is, or switch the other off")  # fmt: skip


def _odd_limits(rule: Rule) -> list[str]:
    limits, told = rule.limits, []
    if limits.share == 0:
        told.append("share is 0: it holds always, also where nothing failed")
    if rule.condition is Condition.FAILURE_RATE and limits.share == 1:
        told.append("share is 1: it holds only where every single run failed")
    if limits.window is not None and rule.lasts > limits.window:
        told.append("for is longer than window: it can hardly ever open, since what is in the "
                    "window has left it before")  # fmt: skip
    if rule.condition in AT_MOMENTS and rule.lasts:
        told.append("for is given, and the condition is of a moment: it may be over before")
    if rule.condition is Condition.DELIVERIES and (limits.times or 0) > MOST_DELIVERIES:
        told.append(f"times is over {MOST_DELIVERIES:,}, and no more are looked at: of a webhook "
                    "it never holds")  # fmt: skip
    if limits.longer_than is not None and limits.longer_than < SHORTEST.get(
        rule.condition, timedelta()
    ):
        least = format_duration(SHORTEST[rule.condition])
        told.append(f"longer_than is shorter than {least}, and it is looked no more often: it may "
                    "hold where nothing is wrong")  # fmt: skip
    return told


AT_MOMENTS: Final = frozenset({Condition.WORKER_LOST, Condition.MISSED})
SHORTEST: Final = {
    Condition.STALE: timedelta(seconds=60),
    Condition.LATE: timedelta(seconds=5),
    Condition.SILENT: timedelta(seconds=30),
    Condition.BACKLOG: timedelta(seconds=1),
}
"""Below which a limit holds also where all is well."""
