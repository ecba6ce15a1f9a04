"""When a rule would have been open: it is held against roll-ups of the past. Pure.

What a condition looks at is kept for the past only where roll-ups tell it: failures and run times.
How jobs of one roll-up followed each other is not kept: where both completed and failed, those that
failed are counted as if they came last.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from onbeat.domain.health import Tally, bucket_of, total
from onbeat.domain.incidents import Kind
from onbeat.domain.outlooks import RISING, UNUSUAL
from onbeat.domain.rules import BLANK, Condition, Limits, Look, Move, Rule, judge

KEPT: Final = frozenset({
    Condition.FAILED, Condition.IN_A_ROW, Condition.FAILURE_RATE, Condition.SLOW,
})  # fmt: skip
"""The conditions that can be tried on the past."""

NOT_KEPT: Final = "what this condition looks at is not kept: it is only seen while it is so"
TOO_MUCH: Final = (
    "each hour of the past would have to be held against the 28 days before it, which takes too "
    "long; see what is unusual now with: onbeat tasks anomalies"
)
MOST_EPISODES: Final = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot:
    """A roll-up of a subject."""

    begins_at: datetime
    span: timedelta
    tally: Tally

    @property
    def ends_at(self) -> datetime:
        """When it is over."""
        return self.begins_at + self.span


@dataclass(frozen=True, slots=True, kw_only=True)
class Episode:
    """A time in which it would have been open."""

    kind: Kind
    subject: str
    name: str
    opened_at: datetime
    closed_at: datetime | None = None
    """None where it would be still."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """What a rule would have made of the past."""

    rule: str
    since: datetime
    until: datetime
    episodes: Sequence[Episode] = ()
    not_kept: str | None = None
    """Why nothing can be said, where that is so."""
    is_whole: bool = True
    """Whether all subjects were looked at, and all episodes are told."""


def why_not(rule: Rule) -> str | None:
    """Why the rule cannot be tried on the past; None where it can."""
    if rule.condition in KEPT:
        return None
    return TOO_MUCH if rule.condition in UNUSUAL or rule.condition in RISING else NOT_KEPT


def opened(rule: Rule, slots: Sequence[Slot], now: datetime) -> Iterator[tuple[datetime, datetime]]:
    """From when to when it would have been open, by the roll-ups of one subject, the oldest first.

    A roll-up is one look: `open_after` and `close_after` are taken as 1 where it is coarser.
    """
    looked = replace(rule, open_after=1, close_after=1)
    memory, since = BLANK, None
    for number, slot in enumerate(slots):
        holds = _holds(rule, slots[: number + 1], now)
        # Nothing ends between roll-ups that are not there: nothing came to an end in them.
        memory, move = judge(looked, Look(holds, since=slot.begins_at), memory, slot.ends_at)
        if move is Move.OPEN:
            since = min(slot.ends_at, now)
        elif move is Move.CLOSE and since is not None:
            yield since, slot.ends_at
            since = None
    if since is not None:
        yield since, now


def _holds(rule: Rule, slots: Sequence[Slot], now: datetime) -> bool:
    last, limits = slots[-1], rule.limits
    if rule.condition is Condition.FAILED:
        return last.tally.failed > 0
    if rule.condition is Condition.IN_A_ROW:
        return _in_a_row(slots) >= (limits.times or 1)
    window = limits.window or timedelta()
    lately = total([each.tally for each in slots if each.ends_at > last.ends_at - window])
    return _rate_holds(limits, lately) if rule.condition is Condition.FAILURE_RATE else _is_slow(
        limits, lately
    )  # fmt: skip


def _in_a_row(slots: Sequence[Slot]) -> int:
    """Failures since the last success, as far as roll-ups tell."""
    count = 0
    for each in reversed(slots):
        count += each.tally.failed
        if each.tally.completed:
            break
    return count if slots[-1].tally.failed or not slots[-1].tally.completed else 0


def _rate_holds(limits: Limits, lately: Tally) -> bool:
    decided = lately.completed + lately.failed
    return decided >= (limits.least or 1) and lately.failed >= (limits.share or 0.0) * decided


def _is_slow(limits: Limits, lately: Tally) -> bool:
    took = lately.took
    if limits.longer_than is None or took.count < (limits.least or 1):
        return False
    top = bucket_of(limits.longer_than)
    return 20 * sum(n for bucket, n in took.buckets.items() if bucket > top) > took.count


def in_order(episodes: Iterable[Episode]) -> tuple[list[Episode], bool]:
    """The newest first, and whether these are all."""
    found = sorted(episodes, key=lambda each: (each.opened_at, each.name), reverse=True)
    return found[:MOST_EPISODES], len(found) <= MOST_EPISODES
