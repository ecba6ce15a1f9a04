"""Laws at each change of each zone's clock, 1990 to 2037, against a walk minute by minute."""

from __future__ import annotations

# ruff: noqa: DTZ001  naive times are what a clock shows
from bisect import bisect_right
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import product, takewhile
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from onbeat.domain.recurrence import Recurrence, cron, every, rrule
from onbeat.domain.recurrence.cron_days import month_length
from onbeat.domain.recurrence.local_time import Fold, Gap
from tests.domain.recurrence.clock_walks import (
    DAY,
    HOUR,
    MINUTE,
    NOTHING,
    Change,
    Names,
    Walk,
    changes,
    changes_of,
)
from tests.domain.recurrence.strategies import ALL_ZONES

# Two minutes of work where a machine is busy.
pytestmark = pytest.mark.timeout(600)

GAPS: tuple[Gap, ...] = ("after", "skip", "shift")
FOLDS: tuple[Fold, ...] = ("first", "second", "both")
CHANGING_ZONES = [zone for zone in ALL_ZONES if zone[:4] != "Etc/"]


def due_within(recurrence: Recurrence, walk: Walk) -> list[datetime]:
    """What the engine says is due in the walk, moment after moment."""
    return list(takewhile(lambda moment: moment < walk.end, _from(recurrence, walk.begin)))


def _from(recurrence: Recurrence, begin: datetime) -> Iterator[datetime]:
    moment = recurrence.next(begin - timedelta(microseconds=1))
    while moment is not None:
        yield moment
        moment = recurrence.next(moment)


def in_the_jump(change: Change) -> Iterator[datetime]:
    """The first, a middle and the last minute that a change leaves out or repeats."""
    first = min(change.at + change.before, change.at + change.after)
    length = abs(change.jump)
    yield from (first, first + length // 2 // MINUTE * MINUTE, first + length - MINUTE)


def at_clock(hour: int, minute: int) -> Names:
    return lambda local: (local.hour, local.minute) == (hour, minute)


def test_a_daily_time_follows_its_policies_at_every_change_of_every_zone() -> None:
    wrong, seen = [], 0
    for change in changes():
        margin = abs(change.jump) + HOUR
        at = change.at.replace(tzinfo=UTC)
        walk = Walk(change.zone, at - margin, at + margin)
        policies = [("after", fold) for fold in FOLDS]
        if change.jump > NOTHING:
            policies = [(gap, "first") for gap in GAPS]
        for local, (gap, fold) in product(in_the_jump(change), policies):
            seen += 1
            rule = cron(f"{local.minute} {local.hour} * * *", tz=change.zone, gap=gap, fold=fold)  # type: ignore[arg-type]  # of the lists above
            expected = walk.due(at_clock(local.hour, local.minute), gap, fold)  # type: ignore[arg-type]  # as above
            if due_within(rule, walk) != expected:
                wrong.append((change, rule.spec(), expected))

    assert wrong == []
    assert seen > 9 * 4_000


@dataclass(frozen=True)
class Case:
    """A recurrence near a change of its zone's clock, and what it names."""

    change: Change
    make: Callable[[Gap, Fold], Recurrence]
    names: Names
    fixed: bool
    policies: tuple[tuple[Gap, Fold], ...] = tuple(product(GAPS, FOLDS))

    def due(self, walk: Walk, gap: Gap, fold: Fold) -> list[datetime]:
        """What the walk says is due."""
        return walk.due(self.names, gap, fold) if self.fixed else walk.due_in_real_time(self.names)

    def walk(self) -> Walk:
        """From hours before to hours after the change."""
        at, margin = self.change.at.replace(tzinfo=UTC), 5 * HOUR + 2 * abs(self.change.jump)
        return Walk(self.change.zone, at - margin, at + margin)


@st.composite
def near_changes(draw: st.DrawFn) -> tuple[Change, datetime]:
    """A change, and a local time that it leaves out, repeats, or that lies around it."""
    zone = draw(st.sampled_from(CHANGING_ZONES).filter(changes_of))
    change = draw(st.sampled_from(changes_of(zone)))
    first = min(change.at + change.before, change.at + change.after)
    reach = 2 * abs(change.jump) // MINUTE
    return change, first + draw(st.integers(-reach // 4, reach)) * MINUTE


@st.composite
def fixed_times(draw: st.DrawFn) -> Case:
    change, local = draw(near_changes())
    minutes = draw(st.sets(st.integers(0, 59), max_size=4)) | {local.minute}
    hours = {local.hour, (local.hour + draw(st.integers(0, 2))) % 24}
    listed = [",".join(map(str, sorted(each))) for each in (minutes, hours)]
    expression = f"{listed[0]} {listed[1]} * * *"
    if draw(st.booleans()):
        expression = f"{listed[0]} {listed[1]} {local.day} * *"

    def names(at: datetime) -> bool:
        on_day = expression.split()[2] == "*" or at.day == local.day
        return on_day and at.minute in minutes and at.hour in hours

    def make(gap: Gap, fold: Fold) -> Recurrence:
        return cron(expression, tz=change.zone, gap=gap, fold=fold)

    return Case(change, make, names, fixed=True)


@st.composite
def wildcards(draw: st.DrawFn) -> Case:
    change, local = draw(near_changes())
    step = draw(st.sampled_from([1, 7, 15, 20, 40]))
    hour = draw(st.sampled_from(["*", "*/2", "*/5", str(local.hour)]))
    minute = draw(st.sampled_from([f"*/{step}" if step > 1 else "*", str(local.minute)]))
    minute = minute if hour.startswith("*") else f"*/{max(step, 2)}"

    def names(at: datetime) -> bool:
        by_hour = {"*": 1, "*/2": at.hour % 2 == 0, "*/5": at.hour % 5 == 0}
        of_step = int(minute[2:] or 1) if minute.startswith("*") else 0
        by_minute = at.minute % of_step == 0 if of_step else at.minute == local.minute
        return bool(by_hour.get(hour, at.hour == local.hour)) and by_minute

    def make(gap: Gap, fold: Fold) -> Recurrence:
        return cron(f"{minute} {hour} * * *", tz=change.zone, gap=gap, fold=fold)

    return Case(change, make, names, fixed=False)


@st.composite
def calendar_intervals(draw: st.DrawFn) -> Case:
    change, local = draw(near_changes())
    info, count, back = ZoneInfo(change.zone), draw(st.integers(1, 3)), draw(st.integers(1, 20))
    monthly = draw(st.booleans())
    begun = months_before(local, count * back) if monthly else local - count * back * DAY
    anchor = begun.replace(tzinfo=info).astimezone(UTC)
    assume(anchor.astimezone(info).replace(tzinfo=None) == begun)

    def names(at: datetime) -> bool:
        if at.time() != local.time():
            return False
        if not monthly:
            return (at.date() - begun.date()).days % count == 0
        since = (at.year - begun.year) * 12 + at.month - begun.month
        return since % count == 0 and at.day == min(begun.day, month_length(at.year, at.month))

    def make(gap: Gap, fold: Fold) -> Recurrence:
        return every(f"{count} {'month' if monthly else 'd'}", tz=change.zone, anchor=anchor)

    return Case(change, make, names, fixed=True, policies=(("after", "first"),))


def months_before(local: datetime, months: int) -> datetime:
    """The same day so many months before; for the last of a month, the last of that one."""
    years, month = divmod(local.year * 12 + local.month - 1 - months, 12)
    longest = month_length(years, month + 1)
    is_last = local.day == month_length(local.year, local.month)
    return local.replace(
        year=years, month=month + 1, day=longest if is_last else min(local.day, longest)
    )


@st.composite
def rules(draw: st.DrawFn) -> Case:
    change, local = draw(near_changes())
    minute, step = local.minute, draw(st.sampled_from([1, 7, 15, 90]))
    weekday = f"{local:%a}"[:2].upper()
    epoch = datetime(1970, 1, 1)
    text, names, fixed = draw(
        st.sampled_from(
            [
                (
                    f"FREQ=DAILY;BYHOUR={local.hour};BYMINUTE={minute}",
                    at_clock(local.hour, minute),
                    True,
                ),
                (
                    f"FREQ=WEEKLY;BYDAY={weekday};BYHOUR={local.hour};BYMINUTE={minute}",
                    lambda at: at.weekday() == local.weekday() and at.time() == local.time(),
                    True,
                ),
                (f"FREQ=HOURLY;BYMINUTE={minute}", lambda at: at.minute == minute, False),
                (
                    f"FREQ=MINUTELY;INTERVAL={step}",
                    lambda at: (at - epoch) // MINUTE % step == 0,
                    False,
                ),
            ]
        )
    )

    def make(gap: Gap, fold: Fold) -> Recurrence:
        return rrule(text, tz=change.zone, gap=gap, fold=fold)

    return Case(change, make, names, fixed=fixed)


CASES = st.one_of(fixed_times(), wildcards(), calendar_intervals(), rules())


@settings(max_examples=300, deadline=None, derandomize=True)
@given(CASES, st.lists(st.timedeltas(-5 * HOUR, 5 * HOUR), min_size=4, max_size=4))
def test_what_is_due_around_a_change_is_what_the_clock_showed(
    case: Case, starts: list[timedelta]
) -> None:
    walk, at = case.walk(), case.change.at.replace(tzinfo=UTC)
    for gap, fold in case.policies:
        recurrence, expected = case.make(gap, fold), case.due(walk, gap, fold)

        assert due_within(recurrence, walk) == expected
        for start in [at + each for each in starts] + expected:
            later = expected[bisect_right(expected, start) :]
            assert not later or recurrence.next(start) == later[0]


@settings(max_examples=200, deadline=None, derandomize=True)
@given(st.one_of(fixed_times(), wildcards(), rules()))
def test_policies_move_nothing_outside_the_window_of_a_change(case: Case) -> None:
    walk, (first, last) = case.walk(), case.change.window
    found = [set(due_within(case.make(gap, fold), walk)) for gap, fold in case.policies]

    moved = set[datetime]().union(*found) - found[0].intersection(*found)

    assert all(first <= moment <= last for moment in moved)
    assert not moved or case.fixed


@pytest.mark.parametrize("policy", ["gap", "fold"])
def test_the_walks_tell_policies_apart(policy: str) -> None:
    at = {"gap": datetime(2027, 3, 28, 1), "fold": datetime(2027, 10, 31, 1)}[policy]
    change = next(each for each in changes_of("Europe/Paris") if each.at == at)
    walk = Walk(change.zone, change.window[0] - 2 * HOUR, change.window[1] + HOUR)
    policies = product(GAPS, FOLDS)

    told = {tuple(walk.due(at_clock(2, 30), gap, fold)) for gap, fold in policies}

    assert len(told) == 3
