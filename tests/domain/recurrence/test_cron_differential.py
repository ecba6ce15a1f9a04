"""Against cronsim and croniter, over generated expressions, zones and moments near clock changes.

Every instant that only one side has must be explained by a difference listed here, each with its
reason; an instant that none explains fails.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from zoneinfo import ZoneInfo

import pytest
from croniter import croniter
from cronsim import CronSim
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from onbeat.domain.recurrence import Cron, cron, moments
from onbeat.domain.recurrence.local_time import CALENDAR_CHANGE
from onbeat.domain.recurrence.zones import Stretch, changes_in

from .strategies import cron_or_none, expressions, moments_in, zones

TRIED = settings(max_examples=600, deadline=None, derandomize=True)
COMPARED = 40
NOTHING = timedelta(0)
SECOND = timedelta(seconds=1)
HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Disputed:
    """An instant that one side has and the other has not."""

    recurrence: Cron
    after: datetime
    at: datetime
    ours: bool

    @property
    def change(self) -> Stretch | None:
        """The clock change whose gap ends, or whose second pass is, at the instant."""
        at = self.at.replace(tzinfo=None)
        for change in changes_in(self.recurrence.zone, at.year):
            if change.start <= at <= change.start + max(SECOND, -change.opening):
                return change

        return None

    @property
    def in_second_pass(self) -> bool:
        return self.change is not None and self.change.opening < NOTHING

    @property
    def at_gap_end(self) -> bool:
        return self.change is not None and self.change.opening > NOTHING


def starred(recurrence: Cron) -> bool:
    """Debian's rule, which cronsim has: minute or hour starts with an asterisk."""
    return any(field.starred for field in recurrence.fields[1:3])


def cronsim_reads_open_steps_as_fixed_times(dispute: Disputed) -> bool:
    """5/15 and 0-59 follow real time here, as */15 does; to cronsim they are fixed times."""
    unlike = starred(dispute.recurrence) == dispute.recurrence.fixed_time
    return unlike and dispute.change is not None


def cronsim_catches_up_calendar_changes(dispute: Disputed) -> bool:
    """Apia had no 30 December 2011; cronsim runs its jobs at the start of the 31st (G11)."""
    change = dispute.change
    return change is not None and change.opening >= CALENDAR_CHANGE and not dispute.ours


def cronsim_goes_back_in_time(dispute: Disputed) -> bool:
    """From within the second pass cronsim gives instants of the first (F6)."""
    return not dispute.ours and dispute.at <= dispute.after


def cronsim_fires_at_the_end_of_a_midnight_gap(dispute: Disputed) -> bool:
    """Rolling to a date whose midnight is missing, it does not look at the hour it lands on."""
    change = dispute.change if dispute.at_gap_end else None
    missing = change and (change.start + change.offset - change.opening).hour
    return not dispute.ours and not dispute.recurrence.fixed_time and missing == 0


def croniter_fires_twice_in_the_fold(dispute: Disputed) -> bool:
    """A fixed time in a repeated hour fires in both passes of it (F1)."""
    return not dispute.ours and dispute.recurrence.fixed_time and dispute.in_second_pass


def croniter_catches_up_stepped_hours(dispute: Disputed) -> bool:
    """Hours that do not exist are made up for even under a wildcard (G4)."""
    return not dispute.ours and not dispute.recurrence.fixed_time and dispute.at_gap_end


def croniter_catches_up_calendar_changes(dispute: Disputed) -> bool:
    """As cronsim (G11)."""
    return cronsim_catches_up_calendar_changes(dispute)


def libraries_walk_in_whole_hours(dispute: Disputed) -> bool:
    """Lord Howe moves by half an hour; both libraries lose half an hour of wildcard jobs there."""
    at = dispute.at.replace(tzinfo=None)
    near = changes_in(dispute.recurrence.zone, at.year)
    lame = [c for c in near if c.opening % HOUR and c.start <= at < c.start + timedelta(days=1)]
    return dispute.ours and not dispute.recurrence.fixed_time and bool(lame)


CRONSIM = (
    cronsim_reads_open_steps_as_fixed_times,
    cronsim_catches_up_calendar_changes,
    cronsim_goes_back_in_time,
    cronsim_fires_at_the_end_of_a_midnight_gap,
    libraries_walk_in_whole_hours,
)
CRONITER = (
    croniter_fires_twice_in_the_fold,
    croniter_catches_up_stepped_hours,
    croniter_catches_up_calendar_changes,
    libraries_walk_in_whole_hours,
)


@st.composite
def cases(draw: st.DrawFn) -> tuple[Cron, datetime]:
    zone = draw(zones)
    made = cron_or_none(draw(expressions(plain=True)), zone)
    assume(made is not None)
    assert made is not None
    return made, draw(moments_in(zone, 1990, 2036)).replace(microsecond=0)


def unexplained(
    recurrence: Cron,
    after: datetime,
    theirs: Iterator[datetime],
    differences: tuple[Callable[[Disputed], bool], ...],
) -> list[tuple[str, str, bool]]:
    other = {moment.astimezone(UTC) for moment in islice(theirs, COMPARED)}
    own = {m for m in moments(recurrence, after, 4 * COMPARED) if m <= max(other)}
    disputes = (
        Disputed(recurrence=recurrence, after=after, at=at, ours=at in own) for at in own ^ other
    )
    return sorted(
        (recurrence.expression, f"{dispute.at} ({recurrence.zone})", dispute.ours)
        for dispute in disputes
        if not any(explains(dispute) for explains in differences)
    )


@TRIED
@given(cases())
def test_cronsim_agrees_but_for_the_known_differences(case: tuple[Cron, datetime]) -> None:
    recurrence, after = case
    assume(not cronsim_stands_still(recurrence, after))
    local = after.astimezone(ZoneInfo(recurrence.zone))

    found = unexplained(recurrence, after, CronSim(recurrence.expression, local), CRONSIM)

    assert found == []


@TRIED
@given(cases())
def test_croniter_agrees_but_for_the_known_differences(case: tuple[Cron, datetime]) -> None:
    recurrence, after = case
    local = after.astimezone(ZoneInfo(recurrence.zone))
    theirs = croniter(recurrence.expression, local, ret_type=datetime, max_years_between_matches=99)

    found = unexplained(recurrence, after, theirs, CRONITER)

    assert found == []


def cronsim_stands_still(recurrence: Cron, after: datetime) -> bool:
    """Clocks of St John's went back at 00:01 until 2011; there cronsim repeats itself or hangs."""
    zone, years = recurrence.zone, range(after.year, 2037)
    changes = (change for year in years for change in changes_in(zone, year))
    odd = (c for c in changes if (c.start + c.offset).minute % 30 and c.opening < NOTHING)
    return not recurrence.fixed_time and any(odd)


def test_a_fold_just_past_midnight_is_walked_forward() -> None:
    begin = datetime(1999, 10, 31, 2, 20, tzinfo=UTC)
    local = begin.astimezone(ZoneInfo("America/St_Johns"))

    theirs = list(islice(CronSim("*/5 */4 * * *", local), 3))
    found = moments(cron("*/5 */4 * * *", tz="America/St_Johns"), begin, 3)

    assert len(set(theirs)) == 1
    assert [f"{moment:%H:%M}" for moment in found] == ["02:30", "03:30", "03:35"]


READ_OTHERWISE = [
    # expression, ours (January 2024, days), who reads it otherwise and how
    ("0 0 * * 1/2", [1, 3, 5, 8], "cronsim goes on to 7, so Sunday is one of them"),
    ("0 0 5-5 * *", [5], "croniter reads a range of one as everything"),
    ("0 0 5-5/1 * *", [5], "cronsim and croniter read it as from the 5th on"),
]


@pytest.mark.parametrize(("expression", "days", "otherwise"), READ_OTHERWISE)
def test_what_libraries_read_otherwise_means_what_it_says(
    expression: str, days: list[int], otherwise: str
) -> None:
    begin = datetime(2023, 12, 31, 12, tzinfo=UTC)
    theirs = {
        "cronsim": list(islice(CronSim(expression, begin), 4)),
        "croniter": list(islice(croniter(expression, begin, ret_type=datetime), 4)),
    }

    found = moments(cron(expression), begin, 4)

    assert [moment.day for moment in found][: len(days)] == days
    assert all((found != other) == (name in otherwise) for name, other in theirs.items())
