"""What months of different lengths do to a rule of days of the month, told beforehand."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from onbeat.domain.recurrence.cron_days import month_length

FEBRUARY = 2
_COMMON_YEAR = 2027
SHORTEST_MONTH = 28
ALL_MONTHS = range(1, 13)


def short_months(
    days: Sequence[int], listed: Sequence[int], months: Collection[int], last: str
) -> Iterator[str]:
    """Warn of days that not all of the named months have.

    `days` are all that are named, `listed` those that are written one by one: of a range like
    25-31 the end of the month is meant. `last` says how to write the last day.
    """
    only_late = bool(days) and min(days) > SHORTEST_MONTH
    for day in [min(days)] if only_late else listed:
        if all(month_length(_COMMON_YEAR, month) >= day for month in months):
            continue
        if day == SHORTEST_MONTH + 1 and set(months) == {FEBRUARY}:
            yield f"February has a day 29 in leap years only; {last}"
        elif only_late:
            yield f"months without a day {day} are left out; {last}"
        else:
            yield f"on day {day} it does not fire in months without one; {last}"
