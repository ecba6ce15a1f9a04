"""A claim within limits, as far as it is the same on both engines: what is asked and what is told.

Most limits hold nobody up most of the time. Then the head of the line is taken at once, and counted
against its slots in SQL. Where that does not fit, four statements in one transaction: the slots of
queues, the candidates, their slots, and what becomes of them; between them `domain/granting.py`
decides. Where nothing is limited none of this is done.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from onbeat.domain.breakers import LIMIT as BREAKER
from onbeat.domain.granting import Candidate, Granted, Slot, grant
from onbeat.domain.limits import Bounds, queue_slot
from onbeat.domain.ties import TieKind, keys_of, tie
from onbeat.store.payloads import encode

WINDOW = 1_000
"""Candidates in one look, once some had to make way: each look parks as many as it can."""

LOOKS = 4
"""Looks in one claim, at most. A line may begin with 100,000 jobs of a key that is full; but each
look takes 15 ms, in which nobody else can write to SQLite."""


AGAIN_AFTER = 3
"""Claims in a row in which the first could be taken, until they are taken at once again."""


@dataclass(frozen=True, slots=True)
class Sight:
    """What the last claim saw of limits."""

    opens_in: float | None = None
    """In how many seconds a slot opens that nobody but time holds shut; None if there is none."""
    is_used_up: bool = False
    """Whether the first in the line had room, and behind them nobody that was seen."""
    has_sole_slots: bool = False
    """Whether it took many slots, each of which one job holds at a time."""


class TakenRow(msgspec.Struct):
    """A job that is to be leased."""

    job: str
    place: int
    """Its place among those taken, as they are to be run."""


class ParkedRow(msgspec.Struct):
    """A job that is to wait for a slot; `is_held` when it waits for another already."""

    job: str
    slot: str
    reason: str
    is_held: int


class SlotRow(msgspec.Struct):
    """A slot as it is to stand."""

    slot: str
    used: int
    waiting: int
    full: int
    open_at: int
    spent_at: int


def slot_of(row: Sequence[Any]) -> Slot:
    """The slot of a row: name, used, waiting, full, open_at, spent_at, and its limit's bounds."""
    name, used, waiting, full, open_at, spent_at, *bounds = row
    return Slot(name, used, waiting, bool(full), open_at, spent_at, Bounds(*bounds))


@dataclass(slots=True)
class Round:
    """One look at the line: its candidates in order, and the slots they need."""

    queues: Sequence[str]
    """In the order they are to be looked at."""
    wanted: int
    is_first: bool
    """Of its claim."""
    far: bool = True
    """Whether jobs that lack a slot make way."""
    is_narrow: bool = True
    """Whether as many candidates are likely to be enough as jobs are wanted."""
    may_fit: bool = False
    """Whether it is worth a try to take the head of the line as it is."""
    now: int = 0
    window: int = 0
    """Candidates to look at."""
    slots: dict[str, Slot] = field(default_factory=dict)
    opens_at: int | None = None
    """When the first slot opens that nobody but time holds shut."""
    slots_needed: int = 0
    """How many slots bind what was seen."""
    has_fit: bool = True
    """Whether those that could be taken are the first that were seen, not one here and there."""
    is_used_up: bool = False
    """Whether the first had room, and behind them nobody that was seen."""
    are_shared: bool = False
    """Whether any of the slots may be held by several jobs at once."""
    has_opened: bool = False
    """Whether a slot is free that jobs wait for, be it in queues that are not served here."""
    _has_cleared: bool = False
    _touched: set[str] = field(default_factory=set)
    _served: list[str] = field(default_factory=list)
    _candidates: list[tuple[Candidate, tuple[str, ...]]] = field(default_factory=list)

    def lines(self) -> list[tuple[str, int, str | None]]:
        """The queues that have room, how much each, and the tie to its slot as JSON."""
        self.window = self.wanted if self.is_first and self.is_narrow else WINDOW
        rooms = {queue: self._room(queue) for queue in self.queues}
        self.window = min(self.window, sum(rooms.values()))
        self._served = [queue for queue, room in rooms.items() if room > 0]
        return [(queue, rooms[queue], self._tied(queue)) for queue in self._served]

    @property
    def seen(self) -> list[tuple[str, int, int]]:
        """Queue, lane and key of what was seen in the lines, the lowest first."""
        return [
            (each.queue, each.lane, each.order_key)
            for each, _ in self._candidates
            if each.held_by is None
        ]

    @property
    def leaves_more(self) -> bool:
        """Whether another look may bring more: somebody made way, or a queue has lost its room."""
        return self._has_cleared or any(self._room(queue) <= 0 for queue in self._served)

    def _tied(self, queue: str) -> str | None:
        name = queue_slot(queue)
        return encode(tie(TieKind.SLOT, name)).decode() if name in self.slots else None

    def _room(self, queue: str) -> int:
        slot = self.slots.get(queue_slot(queue))
        return self.window if slot is None else slot.room(self.now, self.window)

    def see(self, candidates: Iterable[Candidate]) -> list[str]:
        """Take the candidates, the most urgent first; the slots that are to be locked for them."""
        places = {queue: place for place, queue in enumerate(self.queues)}
        ordered = sorted(
            candidates, key=lambda each: (each.lane, places[each.queue], each.order_key, each.job)
        )
        self._candidates = [(each, self._needs(each.queue, each.ties)) for each in ordered]
        wanted = {name for each, needs in self._candidates for name in (*needs, each.held_by)}
        return sorted(name for name in wanted if name is not None and name not in self.slots)

    def _needs(self, queue: str, ties: str | None) -> tuple[str, ...]:
        needs = tuple(keys_of(ties, TieKind.SLOT))
        of_queue = queue_slot(queue)
        return (of_queue, *needs) if of_queue in self.slots else needs

    def decide(self) -> Granted:
        """Who gets what."""
        granted = grant(
            self._candidates, self.slots, now=self.now, wanted=self.wanted, make_way=self.far,
            sure=self._sure(),
        )  # fmt: skip
        self.slots_needed = len(self.slots)
        self._touched = {name for each in granted.taken for name in each.slots}
        self._touched.update(each.slot for each in granted.parked)
        self._touched.update(
            each.held_by for each, _ in self._candidates if each.held_by in self.slots
        )
        taken, most = len(granted.taken), min(self.wanted, len(self._candidates))
        are_first = [each.candidate for each in granted.taken] == [
            candidate for candidate, _ in self._candidates[:taken]
        ]
        self.has_fit = not self.may_fit and are_first and (taken > 0 or most == 0)
        is_short = taken < most or len(self._served) < len(self.queues)
        self.is_used_up = are_first and is_short
        self.are_shared = any(slot.bounds.concurrency != 1 for slot in self.slots.values())
        self._has_cleared = bool(granted.parked) or (granted.is_cut and self.far)
        opening = [self.opens_at] + [
            slot.open_at
            for slot in self.slots.values()
            if (slot.waiting or slot.is_of_queue) and not slot.full and slot.open_at > self.now
        ]
        self.opens_at = min((at for at in opening if at is not None), default=None)
        return granted

    def _sure(self) -> int:
        """Up to which candidate all are known: each list of them was read to some length only."""
        lists: dict[tuple[str | None, ...], list[int]] = {}
        for place, (each, _) in enumerate(self._candidates):
            lists.setdefault((each.held_by, each.queue), []).append(place)
            if each.held_by is None:
                lists.setdefault((None,), []).append(place)
        return min(
            (places[-1] + 1 for of, places in lists.items() if len(places) >= self._length(*of)),
            default=len(self._candidates),
        )

    def _length(self, held_by: str | None, queue: str | None = None) -> int:
        """How many candidates were read at most, of the line, of a queue or of a slot."""
        if held_by is not None:
            return self.slots[held_by].room(self.now, self.window)
        return self.window if queue is None else self._room(queue)

    def taken(self, granted: Granted) -> list[TakenRow]:
        """The jobs to lease."""
        return [TakenRow(each.candidate.job, place) for place, each in enumerate(granted.taken)]

    def parked(self, granted: Granted) -> list[ParkedRow]:
        """The jobs that make way."""
        return [
            ParkedRow(
                each.candidate.job, each.slot, _reason(self.slots[each.slot]),
                int(each.candidate.held_by is not None),
            )
            for each in granted.parked
        ]  # fmt: skip

    def changed(self) -> list[SlotRow]:
        """The slots as they are to stand."""
        found = (self.slots[name] for name in sorted(self._touched))
        return [
            SlotRow(slot.name, slot.used, slot.waiting, int(slot.full), slot.open_at, slot.spent_at)
            for slot in found
        ]


def _reason(slot: Slot) -> str:
    """Why a job waits, for people."""
    if slot.name.startswith(BREAKER):
        return f"breaker {slot.name.removeprefix(BREAKER).rstrip(':')} is not closed"
    if slot.bounds.concurrency is not None and slot.used >= slot.bounds.concurrency:
        return f"limit {slot.name.rstrip(':')} is full: {slot.used} at once"
    return f"limit {slot.name.rstrip(':')} lets no more begin for now"
