"""Circuit breakers: a dependency that fails again and again is left alone for a while. Pure.

    closed      jobs begin; failures in a row are counted
    open        none begins until a moment; they wait, and no attempt is spent
    half open   from that moment on a few may try: a success closes it, a failure opens it anew

What counts as a failure is what may be gone the next time: transient and rate-limited errors, and
timeouts. A permanent error is an answer of a dependency that works, and says nothing. The fleet
shares the state: it is a slot of a limit (domain/granting.py), shut until a moment, then narrow.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

import msgspec

from onbeat.domain.durations import read_duration
from onbeat.domain.error_classes import ErrorClass
from onbeat.domain.errors import InvalidInput
from onbeat.domain.limits import LARGEST, check_limit_name
from onbeat.domain.outcomes import Ack
from onbeat.domain.ties import TieKind, tie

LIMIT = "breaker/"
"""How the names of the limits begin that breakers work by."""

LONGEST_OPEN = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Breaker:
    """Leaves a dependency alone: `Breaker("stripe", threshold=5, open_for="30s")`.

    After `threshold` failures in a row, of all tasks that name it across the fleet, none of their
    jobs begins for `open_for`; then `probes` at once may try. Raises InvalidInput.
    """

    name: str
    threshold: int = 5
    open_for: str | timedelta = "30s"
    probes: int = 1

    def __post_init__(self) -> None:
        """Check every field."""
        check_limit_name(self.name, "breaker")
        for field, count in (("threshold", self.threshold), ("probes", self.probes)):
            if isinstance(count, bool) or not isinstance(count, int) or not 1 <= count <= LARGEST:
                raise InvalidInput(field, f"{count!r} is out of range; give 1 to {LARGEST:,}")
        if not timedelta() < self.rule.open_for <= LONGEST_OPEN:
            raise InvalidInput("open_for", f"{self.open_for!r} is out of range; give up to 1d")

    @property
    def rule(self) -> Rule:
        """What it says, in plain values."""
        return Rule(self.threshold, read_duration(self.open_for, "open_for"), self.probes)


class Rule(msgspec.Struct, frozen=True):
    """When a breaker opens, for how long, and how many may then try."""

    threshold: int
    open_for: timedelta
    probes: int


class BreakerState(StrEnum):
    """What a breaker lets through."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half open"


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """A breaker as it stands."""

    counted: int = 0
    """Failures in a row while it is closed."""
    opened_at: datetime | None = None
    """Since when it is not closed; None while it is."""
    open_until: datetime | None = None
    reason: str | None = None
    """The failure that opened it, or who did."""

    def state(self, now: datetime) -> BreakerState:
        """Open, half open or closed."""
        if self.opened_at is None:
            return BreakerState.CLOSED
        if self.open_until is not None and now < self.open_until:
            return BreakerState.OPEN
        return BreakerState.HALF_OPEN


CLOSED = Standing()


@dataclass(frozen=True, slots=True, kw_only=True)
class BreakerStanding:
    """A breaker on record."""

    name: str
    rule: Rule
    standing: Standing
    state: BreakerState
    waiting: int
    """Jobs that wait for it."""
    changed_at: datetime
    changed_by: str


@dataclass(frozen=True, slots=True)
class Observation:
    """What one attempt says of its dependency."""

    began_at: datetime
    failure: str | None = None
    """What failed; None when nothing did."""


def slot_of(name: str) -> str:
    """The slot of the limit that a breaker works by."""
    return f"{LIMIT}{name}:"


def tie_of(name: str) -> str:
    """The tie of a job to a breaker."""
    return tie(TieKind.SLOT, slot_of(name))


TROUBLE = (ErrorClass.TRANSIENT, ErrorClass.RATE_LIMITED)


def speaks(ack: Ack) -> bool:
    """Whether the end of an attempt says anything of its dependencies."""
    return ack.move == "complete" or failure_in(ack) is not None


def failure_in(ack: Ack) -> str | None:
    """What failed in an attempt, and may be the dependency's fault; None when nothing did."""
    failure = ack.failure
    if failure is None or failure.error_class not in TROUBLE:
        return None
    return ack.reason or failure.type


def observe(standing: Standing, rule: Rule, seen: Sequence[Observation], now: datetime) -> Standing:
    """The breaker after what was seen, in the order it was.

    What began before it was half open is of the time before, and says nothing of now: what was
    claimed before it opened may begin a little later.
    """
    for each in seen:
        if standing.open_until is not None and each.began_at < standing.open_until:
            continue
        standing = _after(standing, rule, each, now)
    return standing


def _after(standing: Standing, rule: Rule, seen: Observation, now: datetime) -> Standing:
    if seen.failure is None:
        return CLOSED
    if standing.opened_at is not None:
        return tripped(rule, now, seen.failure)
    counted = standing.counted + 1
    if counted >= rule.threshold:
        return tripped(rule, now, seen.failure)
    return replace(standing, counted=counted)


def tripped(rule: Rule, now: datetime, reason: str) -> Standing:
    """The breaker, open from now on."""
    return Standing(
        counted=rule.threshold, opened_at=now, open_until=now + rule.open_for, reason=reason
    )
