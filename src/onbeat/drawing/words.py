"""Figures as a page has them."""

from __future__ import annotations

from datetime import datetime, timedelta

NONE = "–"  # noqa: RUF001 - a dash in a table

_UNITS = ((86_400, "d"), (3_600, "h"), (60, "min"), (1, "s"))


def lasting(duration: timedelta | None) -> str:
    """A duration in one unit, of two or three digits: "12 ms", "1.5 s", "2.3 min"."""
    if duration is None:
        return NONE
    seconds = duration.total_seconds()
    for size, unit in _UNITS:
        if seconds >= size:
            return f"{_digits(seconds / size)} {unit}"
    return f"{_digits(seconds * 1000)} ms"


def _digits(number: float) -> str:
    return f"{number:.0f}" if number >= 100 else f"{number:.2g}" if number < 10 else f"{number:.3g}"


def share(part: float | None) -> str:
    """A part of a whole: 99.95 %. It is never rounded up to all, nor down to nothing."""
    if part is None:
        return NONE
    shown = f"{part:.2%}".removesuffix("%").rstrip("0").rstrip(".")
    shown = "99.99" if shown == "100" and part < 1 else shown
    return "0.01 %" if shown == "0" and part > 0 else f"{shown} %"


def number(count: float) -> str:
    """A number with its thousands apart; at most one decimal."""
    return f"{count:,.1f}".removesuffix(".0")


def short(count: float) -> str:
    """A number for an axis: 1.5k, 2M."""
    for size, unit in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if count >= size:
            return f"{count / size:.3g}{unit}"
    return f"{count:.3g}"


def points(change: float | None) -> str:
    """A difference of rates: +1.2 points."""
    return NONE if change is None else f"{change:+.2f}".rstrip("0").rstrip(".") + " pt"


def times(ratio: float | None) -> str:
    """How many times as much: ×1.2."""  # noqa: RUF002 - a sign
    return NONE if ratio is None else f"×{ratio:.3g}"  # noqa: RUF001 - a sign


def moment(at: datetime | None) -> str:
    """A moment, to the minute; all of a report are in UTC."""
    return NONE if at is None else f"{at:%Y-%m-%d %H:%M}"
