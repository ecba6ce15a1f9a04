"""Retention: how long jobs that have ended are kept, and how many of them. Pure."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import msgspec

from onbeat.domain.durations import format_duration, parse_duration, read_duration
from onbeat.domain.errors import InvalidInput
from onbeat.domain.jobs import check_name
from onbeat.domain.states import State

DEFAULT_RETENTION = timedelta(days=90)

SHORTEST = timedelta(minutes=1)
MOST = 1_000_000
SCOPES = ("task", "queue", "schedule")

Kept = int | str | timedelta | Sequence[int | str | timedelta] | None
"""How much is kept: so many of the newest, for so long, or both in a tuple."""

INSTANT = timedelta(microseconds=1)


class Rule(msgspec.Struct, frozen=True):
    """What is kept of jobs that completed and of those that failed; None bounds nothing."""

    completed_for: int | None = None
    """Microseconds."""
    completed_last: int | None = None
    failed_for: int | None = None
    failed_last: int | None = None


@dataclass(frozen=True, slots=True)
class Keep:
    """What is kept of ended jobs: `Keep(completed=100, failed="30d")`.

    A number is so many of the newest, a duration is for so long; `(100, "30d")` is what is both.
    What is left out, and what was cancelled, is kept as long as the setting ONBEAT_RETENTION says;
    nothing is kept longer. Raises InvalidInput.
    """

    completed: Kept = None
    failed: Kept = None

    def __post_init__(self) -> None:
        """Check every field."""
        _ = self.rule

    @property
    def rule(self) -> Rule:
        """The same in plain numbers."""
        if self.completed is None and self.failed is None:
            raise InvalidInput("keep", "it bounds nothing; give completed=100, failed='30d', …")
        return Rule(*_read("completed", self.completed), *_read("failed", self.failed))


def _read(field: str, kept: Kept) -> tuple[int | None, int | None]:
    """For how many microseconds, and how many."""
    given = _parts(field, kept)
    ages = [_age(field, each) for each in given if not isinstance(each, int)]
    counts = [_count(field, each) for each in given if isinstance(each, int)]
    if len(ages) > 1 or len(counts) > 1:
        raise InvalidInput(field, f"{kept!r} says it twice; give a number, a duration, or one each")
    return ages[0] if ages else None, counts[0] if counts else None


def _parts(field: str, kept: Kept) -> Sequence[int | str | timedelta]:
    """What is given of a field, one by one; none where it is left out."""
    if kept is None:
        return ()
    parts = kept if isinstance(kept, tuple | list) else [kept]
    if not parts or not all(isinstance(each, int | str | timedelta) for each in parts):
        told = f"{kept!r} is neither a number of jobs nor a duration"
        raise InvalidInput(field, f"{told}; give 100, '30d', or both as (100, '30d')")
    return parts  # type: ignore[return-value] # each of them has been looked at


def _count(field: str, count: int) -> int:
    if isinstance(count, bool) or not 0 <= count <= MOST:
        raise InvalidInput(field, f"{count!r} is out of range; give 0 to {MOST:,}")
    return count


def _age(field: str, age: str | timedelta) -> int:
    duration = read_duration(age, field)
    if duration < SHORTEST:
        raise InvalidInput(field, f"{age!r} is too short; give 1m or more, or a number of jobs")
    return duration // INSTANT


def parse_kept(field: str, text: str) -> Kept:
    """Read "100", "30d" or "100,30d". Raises InvalidInput."""
    read = [_read_part(field, part.strip()) for part in text.split(",")]
    _read(field, read)
    return read


def _read_part(field: str, part: str) -> int | str:
    """A number of jobs, or a duration's text; what is neither may have been meant as either."""
    if re.fullmatch(r"[+-]?\d{1,9}", part, re.ASCII):
        return int(part)
    try:
        parse_duration(part, field)
    except InvalidInput:
        told = f"{part!r} is neither a number of jobs nor a duration"
        raise InvalidInput(field, f"{told}; give 100, 30d or 100,30d") from None
    return part


def kept_text(age: int | None, count: int | None) -> str | None:
    """What is kept, as it is given: "100,30d"."""
    said = [] if count is None else [str(count)]
    if age is not None:
        said.append(format_duration(timedelta(microseconds=age)))
    return ",".join(said) or None


def within(rule: Rule, of_all: timedelta) -> Rule:
    """What of a rule has an effect where all are removed after a time: a longer one has none."""
    longest = of_all // INSTANT

    def heeded(age: int | None) -> int | None:
        return None if age is None or age > longest else age

    return msgspec.structs.replace(
        rule, completed_for=heeded(rule.completed_for), failed_for=heeded(rule.failed_for)
    )


@dataclass(frozen=True, slots=True)
class Subject:
    """Whose jobs a rule is about: a task, a queue or a schedule."""

    scope: str
    name: str

    def __str__(self) -> str:
        """As it is given: task/send."""
        return f"{self.scope}/{self.name}"


def parse_subject(text: str) -> Subject:
    """Read "task/send". Raises InvalidInput."""
    scope, slash, name = text.partition("/")
    if not slash or scope not in SCOPES:
        raise InvalidInput("subject", f"{text!r} is not known; give task/NAME, queue/NAME or "
                           "schedule/NAME")  # fmt: skip
    return Subject(scope, check_name(scope, name))


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleState:
    """A rule on record."""

    subject: Subject
    rule: Rule
    declared: Rule | None
    """What the code says; None where it was made by hand."""
    by_hand: bool
    changed_at: datetime
    changed_by: str


def may_go(
    rule: Rule, outcome: str, finished_at: datetime, now: datetime, seen: Counter[str]
) -> bool:
    """Whether a job that ended so need no longer be kept; those that are newer have been `seen`."""
    match outcome:
        case State.COMPLETED:
            age, last = rule.completed_for, rule.completed_last
        case State.FAILED:
            age, last = rule.failed_for, rule.failed_last
        case _:
            return False
    seen[outcome] += 1
    is_old = age is not None and now - finished_at > timedelta(microseconds=age)
    return is_old or (last is not None and seen[outcome] > last)
