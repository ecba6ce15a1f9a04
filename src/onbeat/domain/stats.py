"""How many jobs came to what, and how long they took: figures of what was looked at. Pure."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from onbeat.domain.errors import InvalidInput
from onbeat.domain.recurrence.recurrence import aware
from onbeat.domain.states import State

DEFAULT_WINDOW = timedelta(days=1)
MOST_GROUPS = 500
"""Groups that are told; those with the most jobs first."""


class GroupedBy(StrEnum):
    """What jobs are counted together by."""

    TASK = "task"
    QUEUE = "queue"
    SCHEDULE = "schedule"
    """Only what schedules made."""
    NAME = "name"
    """What they go by: the schedule that made them, else their task."""


@dataclass(frozen=True, slots=True)
class Ended:
    """An end that was looked at; how long the attempt took that brought it, where one did."""

    group: str | None
    outcome: State
    took: timedelta | None


@dataclass(frozen=True, slots=True)
class Figures:
    """What came of some jobs."""

    name: str | None
    states: Mapping[State, int] = field(default_factory=dict)
    mean: timedelta | None = None
    p50: timedelta | None = None
    p95: timedelta | None = None

    @property
    def number(self) -> int:
        """How many there are."""
        return sum(self.states.values())

    @property
    def success_rate(self) -> float | None:
        """Which part of those that completed or failed completed; None where none did."""
        completed, failed = (self.states.get(each, 0) for each in (State.COMPLETED, State.FAILED))
        return completed / (completed + failed) if completed + failed else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Stats:
    """Figures of what ended in a window and of what is open now, and how far was looked."""

    by: GroupedBy
    since: datetime
    until: datetime
    total: Figures
    groups: Sequence[Figures]
    looked_at: int
    """How many ends were looked at, the newest."""
    oldest_at: datetime | None
    """The oldest of these."""
    is_exact: bool
    """Whether these are all of the window."""
    exact_states: frozenset[State]
    """Open states of which all jobs were counted; of the others there are at least so many."""
    is_cut: bool
    """Whether there are more groups than are told."""


def read_window(
    now: datetime, window: timedelta | None, since: datetime | None, until: datetime | None
) -> tuple[datetime, datetime]:
    """From when to when. Raises InvalidInput."""
    if window is not None and since is not None:
        raise InvalidInput("since", "it is given together with window; give one of them")
    if window is not None and window <= timedelta():
        raise InvalidInput("window", "it is out of range; give more than none")
    end = now if until is None else aware(until, "until")
    try:
        begin = end - (window or DEFAULT_WINDOW) if since is None else aware(since, "since")
    except OverflowError:
        raise InvalidInput("window", "it begins before all time; give a shorter one") from None
    if end < begin:
        raise InvalidInput("until", f"{end.isoformat()} is before since; give a later moment")
    return begin, end


def grouped(
    ended: Iterable[Ended], still_open: Mapping[tuple[str | None, State], int]
) -> list[Figures]:
    """The figures of each group, that with the most jobs first."""
    by_group: defaultdict[str, list[Ended]] = defaultdict(list)
    for each in ended:
        if each.group is not None:
            by_group[each.group].append(each)
    states: defaultdict[str, dict[State, int]] = defaultdict(dict)
    for (group, state), number in still_open.items():
        if group is not None:
            states[group][state] = number
    found = [
        figures(name, by_group.get(name, ()), states.get(name, {})) for name in {*by_group, *states}
    ]
    return sorted(found, key=lambda each: (-each.number, each.name or ""))


def figures(name: str | None, ended: Iterable[Ended], still_open: Mapping[State, int]) -> Figures:
    """The figures of some jobs."""
    listed = list(ended)
    took = sorted(each.took for each in listed if each.took is not None)
    counted = Counter(each.outcome for each in listed)
    return Figures(
        name,
        {**counted, **still_open},
        mean=sum(took, timedelta()) / len(took) if took else None,
        p50=percentile(took, 50),
        p95=percentile(took, 95),
    )


def percentile(ordered: Sequence[timedelta], share: int) -> timedelta | None:
    """The least of them that `share` of a hundred do not exceed (the nearest rank)."""
    if not ordered:
        return None
    return ordered[max(0, math.ceil(len(ordered) * share / 100) - 1)]
