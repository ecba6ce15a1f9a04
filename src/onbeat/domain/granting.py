"""Which of the jobs that wait get slots of their limits, and which must wait for one. Pure.

A slot counts how many jobs hold it and how many wait for it. Its rate is kept by the generic cell
rate algorithm (ITU-T I.371): one moment, up to which the rate is used up, instead of a list of
beginnings. In any time t at most burst + t * rate / period jobs begin.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import msgspec

from onbeat.domain.limits import QUEUE, UNBOUND, Bounds, limit_of


class Slot(msgspec.Struct):
    """A slot of a limit as it stands; moments are microseconds since 1970."""

    name: str
    used: int = 0
    """Jobs that hold it."""
    waiting: int = 0
    """Jobs that stand in `blocked` for it."""
    full: bool = False
    """Whether others must end before one of those that wait may begin."""
    open_at: int = 0
    """No job may begin before; kept as it is while it is over."""
    spent_at: int = 0
    """Up to when its rate is used up."""
    bounds: Bounds = UNBOUND

    @property
    def limit(self) -> str:
        """The limit's name."""
        return limit_of(self.name)

    @property
    def is_of_queue(self) -> bool:
        """Whether it bounds a whole queue: its jobs wait in their line."""
        return self.name.startswith(QUEUE)

    def lets(self, now: int) -> bool:
        """Whether one more may begin now."""
        most = self.bounds.concurrency
        return (most is None or self.used < most) and self.open_at <= now

    def room(self, now: int, wanted: int) -> int:
        """How many of `wanted` may begin now, as far as this slot goes."""
        if not self.lets(now):
            return 0
        most = self.bounds.concurrency
        free = wanted if most is None else min(wanted, most - self.used)
        if self.bounds.rate is None:
            return free
        left = now + _tolerance(self.bounds) - max(self.spent_at, now)
        return max(min(free, left // _interval(self.bounds) + 1), 0)

    def take(self, now: int, count: int = 1) -> None:
        """Give it to `count` more, for whom there is room."""
        self.used += count
        self.note_full()
        if self.bounds.rate is not None:
            self.spent_at = max(self.spent_at, now) + count * _interval(self.bounds)
            opens_at = self.spent_at - _tolerance(self.bounds)
            self.open_at = max(self.open_at, opens_at) if opens_at > now else self.open_at

    def note_full(self) -> None:
        """Note whether others must end before one that waits may begin.

        Where nobody waits that stays unsaid, as the moment from which one may begin does once it is
        over: PostgreSQL keeps them in an index, and a row whose index does not change costs half.
        """
        most = self.bounds.concurrency
        self.full = self.waiting > 0 and most is not None and self.used >= most


def _interval(bounds: Bounds) -> int:
    """Microseconds between two beginnings at a steady pace, rounded up: never faster."""
    return max(-(-(bounds.period or 0) // (bounds.rate or 1)), 1)


def _tolerance(bounds: Bounds) -> int:
    """How far ahead of the steady pace a burst may run."""
    return ((bounds.burst or bounds.rate or 1) - 1) * _interval(bounds)


class Candidate(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """A job that might be claimed."""

    job: str
    queue: str
    lane: int
    order_key: int
    ties: str | None
    held_by: str | None
    """The slot it stands in `blocked` for; None when it stands in the line."""


class Taken(msgspec.Struct, frozen=True, gc=False):
    """A job that has got all its slots."""

    candidate: Candidate
    slots: tuple[str, ...]


class Parked(msgspec.Struct, frozen=True, gc=False):
    """A job that is to wait for a slot."""

    candidate: Candidate
    slot: str


@dataclass(frozen=True, slots=True)
class Granted:
    """What is to become of the candidates; those in neither list stay where they are."""

    taken: list[Taken] = field(default_factory=list)
    parked: list[Parked] = field(default_factory=list)
    is_cut: bool = False
    """Whether some were not looked at, who may have to make way for others that are not known."""


def grant(
    candidates: Sequence[tuple[Candidate, tuple[str, ...]]],
    slots: Mapping[str, Slot],
    *,
    now: int,
    wanted: int,
    make_way: bool = True,
    sure: int | None = None,
) -> Granted:
    """Give slots to the first `wanted` candidates that can have all they need; changes `slots`.

    A job gets all its slots or none. One that lacks one makes way: it is parked for the first that
    it lacks, so that nobody behind it waits for that; unless it need not `make_way` yet. Where its
    queue has no room, which everybody behind it lacks too, it stays in the line in any case. A slot
    that is not in `slots` is taken to have no room, and its jobs stay where they are.

    After the first `sure` candidates there may be others, who are not among them and come before
    the rest. These are needed only once somebody has made way; then the rest is left alone.
    """
    taken: list[Taken] = []
    lacking: list[tuple[Candidate, Slot]] = []
    is_cut = False
    for place, (candidate, needs) in enumerate(candidates):
        if len(taken) == wanted:
            break
        is_cut = sure is not None and place >= sure and len(taken) < place
        if is_cut:
            break
        lacked = _first_lacking(needs, slots, now)
        if lacked is None:
            for name in needs:
                slots[name].take(now)
            if candidate.held_by is not None and candidate.held_by in slots:
                slots[candidate.held_by].waiting -= 1
            taken.append(Taken(candidate, needs))
        elif lacked in slots and not slots[lacked].is_of_queue:
            lacking.append((candidate, slots[lacked]))
    parked = [
        Parked(candidate, slot.name)
        for candidate, slot in lacking
        if (make_way or candidate.held_by is not None) and _park(candidate, slot, slots)
    ]
    return Granted(taken, parked, is_cut)


def _first_lacking(needs: Sequence[str], slots: Mapping[str, Slot], now: int) -> str | None:
    for name in needs:
        slot = slots.get(name)
        if slot is None or not slot.lets(now):
            return name
    return None


def _park(candidate: Candidate, slot: Slot, slots: Mapping[str, Slot]) -> bool:
    """Count the job as waiting for the slot; whether it did not before."""
    is_new = candidate.held_by != slot.name
    if is_new:
        if candidate.held_by is not None and candidate.held_by in slots:
            slots[candidate.held_by].waiting -= 1
        slot.waiting += 1
    slot.note_full()
    return is_new
