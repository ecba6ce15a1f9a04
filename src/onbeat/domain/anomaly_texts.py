"""Anomalies and predictions in words. Pure."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from onbeat.domain.anomalies import Anomaly, Measure
from onbeat.domain.outlook import Forecast

HOUR: Final = timedelta(hours=1)

PARTS: Final = ((86_400.0, "days"), (3_600.0, "h"), (60.0, "min"), (1.0, "s"), (0.001, "ms"))


def anomaly_text(found: Anomaly, until: datetime) -> str:
    """What is not as usual, and what would be: "took 4.1 s at the median in the last hour; …".

    `until` is up to when it is judged: what nothing ran after is of an hour before.
    """
    window = _window(found.until - found.since, None if found.until >= until else found.until)
    season = f" {found.season}" if found.season else ""
    usual = f"usually {_usual(found)}{season} ({found.days} days)"
    return f"{_value(found)} in {window}; {usual}"


def _value(found: Anomaly) -> str:
    match found.measure:
        case Measure.DURATION:
            return f"took {_seconds(found.value)} at the median"
        case Measure.LATENESS:
            return f"began {_seconds(found.value)} late at the median"
        case Measure.FAILURES:
            failed = round(found.value * found.of)
            return f"{failed:,} of {found.of:,} failed ({_share(found.value)})"
        case Measure.VOLUME:
            return f"{round(found.value):,} ended"


def _usual(found: Anomaly) -> str:
    match found.measure:
        case Measure.FAILURES:
            return _share(found.high)
        case Measure.VOLUME:
            return _between(f"{round(found.low):,}", f"{round(found.high):,}")
        case _:
            return _between(_seconds(found.low), _seconds(found.high))


def _between(low: str, high: str) -> str:
    return low if low == high else f"{low} to {high}"


def _window(window: timedelta, end: datetime | None) -> str:
    hours = round(window / HOUR)
    days, rest = divmod(hours, 24)
    length = f"{hours} hours" if rest or days < 2 else f"{days} days"
    if end is None:
        return "the last hour" if hours == 1 else f"the last {length}"
    return f"the {'hour' if hours == 1 else length} to {end:%Y-%m-%d %H:%M} UTC"


def _seconds(seconds: float) -> str:
    """Of three digits at most, in the unit that reads best."""
    for size, unit in PARTS:
        if seconds >= 0.9995 * size or size == PARTS[-1][0]:
            value = seconds / size
            return f"{value:,.0f} {unit}" if value >= 10 else f"{value:.1f} {unit}"
    raise AssertionError("the last part takes whatever is left")


def _share(share: float) -> str:
    return f"{share:.0%}" if share >= 0.095 else f"{share:.1%}"


FIGURES: Final = {
    Measure.DURATION: "it takes {value} at the median",
    Measure.LATENESS: "it begins {value} late at the median",
    Measure.FAILURES: "{value} fail",
}


def forecast_text(found: Forecast) -> str:
    """What rises, how fast, and when it will reach what limit."""
    one = found.prediction
    figure = _share if found.measure is Measure.FAILURES else _seconds
    now = FIGURES[found.measure].format(value=figure(one.value))
    days = round(one.seen_for / HOUR / 24)
    rises = f"{now}, {figure(one.slope * 24)} more each day for {days} days"
    if one.is_reached:
        return f"{rises}; it reached {figure(one.limit)}, {found.limit_of}, about {_day(one.at)}"
    return (
        f"{rises}; it will reach {figure(one.limit)}, {found.limit_of}, about {_day(one.at)} "
        f"({_day(one.earliest)} to {_day(one.latest)}) if it goes on"
    )


def _day(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d}"
