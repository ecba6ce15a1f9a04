"""What each process counts of what it does, to be added to what the whole fleet has done. Pure.

Counted in memory, at some 0.5 us each, and added to the store's sums every few seconds: so that who
tells of the fleet tells of processes too that nobody can ask, and of those that are gone.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

BOUNDS: Final = (
    0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 15.0, 60.0, 300.0, 900.0, 3600.0
)  # fmt: skip
"""Seconds: up to each of these, and for longer, durations are counted."""

REST: Final = "other"
"""What names are counted as that are too many to be told apart."""


class Meter(StrEnum):
    """What is counted; each by names (of queues, tasks), then by words of which there are few."""

    ENQUEUED = "enqueued"
    """Jobs that were asked for, by queue and task, and whether a schedule or a call did."""
    RAN = "ran"
    """Attempts by queue and task, and what came of them: how long they took."""
    WAITED = "waited"
    """First attempts by queue, each time where they snooze: how long they had been pending."""
    FIRED = "fired"
    """Moments of schedules on the wall clock, by what became of them: how late that was decided."""
    TICKED = "ticked"
    """Ticks: how long they took."""
    REMOVED = "removed"
    """What retention took off the record, by kind."""
    ASKED = "asked"
    """Operations of the store that services use, by their name: how long they took."""
    ANSWERED = "answered"
    """Answers of the API by route, method and status, of one process: how long until they began."""
    TOLD = "told"
    """Notices, by the kind of their channel and what came of sending one."""
    POSTED = "posted"
    """Messages that were posted to inbound webhooks, by source, and what came of them."""

    @property
    def names(self) -> int:
        """How many of its labels are names."""
        return _NAMES.get(self, 0)


_NAMES: Final = {Meter.ENQUEUED: 2, Meter.RAN: 2, Meter.WAITED: 1, Meter.POSTED: 1}


@dataclass(frozen=True, slots=True)
class Added:
    """What is to be added to one bucket of a meter."""

    meter: Meter
    labels: tuple[str, ...]
    bucket: int
    """Its place among BOUNDS; the one behind them is for what took longer."""
    number: int
    seconds: float
    """All of them together."""

    def as_rest(self) -> Added:
        """The same, of whatever name."""
        few = self.labels[self.meter.names :]
        labels = (*(REST for _ in range(self.meter.names)), *few)
        return Added(self.meter, labels, self.bucket, self.number, self.seconds)


@dataclass(frozen=True, slots=True)
class Sum:
    """What the fleet has counted on a meter, of one set of labels."""

    meter: Meter
    labels: tuple[str, ...]
    within: tuple[int, ...]
    """How many took longer than the bound before and no longer than each of BOUNDS; then those that
    took longer than all.
    """
    seconds: float

    @property
    def number(self) -> int:
        """How many there were."""
        return sum(self.within)


Key = tuple[Meter, tuple[str, ...], int]


class Counting:
    """What a process has counted and not added yet; for one thread."""

    def __init__(self) -> None:
        """Nothing yet."""
        self._held: dict[Key, list[float]] = {}

    def took(self, meter: Meter, labels: tuple[str, ...], seconds: float, number: int = 1) -> None:
        """Count `number` that took `seconds` each; less than none counts as none."""
        if seconds < 0.0:  # noqa: PLR1730 - max() is a sixth of all this
            seconds = 0.0
        key = (meter, labels, bisect_left(BOUNDS, seconds))
        if (held := self._held.get(key)) is None:
            self._held[key] = [number, seconds * number]
        else:
            held[0] += number
            held[1] += seconds * number

    def count(self, meter: Meter, labels: tuple[str, ...], number: int = 1) -> None:
        """Count what takes no time."""
        self.took(meter, labels, 0.0, number)

    def take(self) -> list[Added]:
        """What there is, in an order of its own; it is held no more."""
        held, self._held = self._held, {}
        return [
            Added(*key, number=int(number), seconds=seconds)
            for key, (number, seconds) in sorted(held.items())
        ]

    def sums(self) -> list[Sum]:
        """What is held, by meter and labels."""
        found: dict[tuple[Meter, tuple[str, ...]], tuple[list[int], list[float]]] = {}
        for (meter, labels, bucket), (number, seconds) in list(self._held.items()):
            within, took = found.setdefault((meter, labels), ([0] * (len(BOUNDS) + 1), [0.0]))
            within[bucket] += int(number)
            took[0] += seconds
        return [Sum(*key, tuple(within), took[0]) for key, (within, took) in sorted(found.items())]

    def put_back(self, taken: Iterable[Added]) -> None:
        """Hold again what could not be added."""
        for each in taken:
            held = self._held.setdefault((each.meter, each.labels, each.bucket), [0, 0.0])
            held[0] += each.number
            held[1] += each.seconds


def together(sums: Sequence[Sum], by: Sequence[int]) -> list[Sum]:
    """The sums of each, by those of their labels that stand at the places `by`."""
    found: dict[tuple[str, ...], Sum] = {}
    for each in sums:
        labels = tuple(each.labels[place] for place in by)
        before = found.get(labels)
        within = each.within
        if before is not None:
            within = tuple(a + b for a, b in zip(before.within, within, strict=True))
        seconds = each.seconds + (before.seconds if before else 0.0)
        found[labels] = Sum(each.meter, labels, within, seconds)
    return [found[labels] for labels in sorted(found)]
