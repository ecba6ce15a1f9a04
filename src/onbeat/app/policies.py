"""How a schedule treats its moments, as a user gives it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from difflib import get_close_matches
from typing import TypedDict, Unpack

from onbeat.domain.clocks import check_clock
from onbeat.domain.durations import parse_duration
from onbeat.domain.errors import InvalidInput
from onbeat.domain.schedules import (
    CatchUp,
    Overlap,
    check_jitter,
    check_pause_after,
    check_window,
    parse_catch_up,
    parse_overlap,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Policies:
    """How a schedule treats its moments."""

    catch_up: CatchUp
    overlap: Overlap
    start: datetime | None
    end: datetime | None
    limit: int | None
    jitter: timedelta
    pause_after: int | None
    clock: str | None


class PolicyOptions(TypedDict, total=False):
    """Policies as a user gives them; what is left out has its default."""

    catch_up: str | None
    """Missed moments: "latest within 1d" unless said, "all within 6h at most 50 every 10s", …"""
    overlap: str | None
    """While its last job goes on: "skip" unless said, "allow", "buffer one", "buffer all", …"""
    start: datetime | None
    end: datetime | None
    limit: int | None
    """How many jobs in all."""
    jitter: str | None
    """Its jobs run up to so long after their moment, always the same time."""
    pause_after: int | None
    """It pauses itself after so many failures in a row."""
    clock: str | None
    """The virtual clock it lives by; the wall clock unless said."""


def read_policies(**given: Unpack[PolicyOptions]) -> Policies:
    """Check policies as a user gives them. Raises InvalidInput naming the one that is wrong."""
    _check_names_and_types(given)
    start, end, limit = given.get("start"), given.get("end"), given.get("limit")
    catch_up, overlap, jitter = given.get("catch_up"), given.get("overlap"), given.get("jitter")
    clock = given.get("clock")
    check_window(start, end, limit)
    if clock is not None and jitter is not None:
        raise InvalidInput("jitter", "a virtual clock has none: it moves when it is told to")
    return Policies(
        catch_up=CatchUp() if catch_up is None else parse_catch_up(catch_up),
        overlap=Overlap.SKIP if overlap is None else parse_overlap(overlap),
        start=start,
        end=end,
        limit=limit,
        jitter=check_jitter(timedelta() if jitter is None else parse_duration(jitter, "jitter")),
        pause_after=check_pause_after(given.get("pause_after")),
        clock=None if clock is None else check_clock(clock),
    )


_POLICY_TYPES: Mapping[str, tuple[type, str]] = {
    "catch_up": (str, 'text, such as "latest"'),
    "overlap": (str, 'text, such as "skip"'),
    "start": (datetime, "a datetime with a zone"),
    "end": (datetime, "a datetime with a zone"),
    "limit": (int, "a whole number"),
    "jitter": (str, 'text, such as "5m"'),
    "pause_after": (int, "a whole number"),
    "clock": (str, "the name of a clock"),
}


def _check_names_and_types(given: Mapping[str, object]) -> None:
    """What a type checker would have refused, for those who use none."""
    for name, value in given.items():
        if name not in _POLICY_TYPES:
            raise InvalidInput(name, f"it is no policy; {_meant(name)}")
        kind, words = _POLICY_TYPES[name]
        if value is not None and (not isinstance(value, kind) or isinstance(value, bool)):
            raise InvalidInput(name, f"{value!r} is of type {type(value).__name__}; give {words}")


def _meant(name: str) -> str:
    close = get_close_matches(name, _POLICY_TYPES, n=1)
    return f"is {close[0]} meant?" if close else f"use one of {', '.join(_POLICY_TYPES)}"
