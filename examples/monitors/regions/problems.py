"""What can be wrong with one monitor, and what is done about it. None of it stops the others."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from datetime import timedelta

from examples.monitors.regions.table import Due
from examples.monitors.rows import PRIORITIES

USUAL_INTERVAL = timedelta(minutes=5)
SHORTEST_INTERVAL, LONGEST_INTERVAL = timedelta(seconds=1), timedelta(days=366)
"""With more the next time might be beyond what a calendar holds."""

USUAL_CRITICALITY = "normal"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be done for a monitor whose time has come."""

    due: Due
    every: timedelta
    priority: int
    region: str | None
    is_active: bool = True
    is_put_off: bool = False
    """Whether there is to be no job this time."""


class MonitorProblem(Exception):
    """Something of a monitor's row is wrong; `recovery` says what is done all the same."""

    recovery = ""

    def recover(self, wanted: Wanted) -> Wanted:
        """What is wanted instead."""
        raise NotImplementedError


class BadAddress(MonitorProblem):
    """It cannot be checked at all."""

    recovery = "it is switched off until somebody mends it"

    def recover(self, wanted: Wanted) -> Wanted:
        """Leave it alone from now on."""
        return replace(wanted, is_active=False)


class BadInterval(MonitorProblem):
    """Nobody can say when it is due next."""

    recovery = "it is checked every 5 minutes"

    def recover(self, wanted: Wanted) -> Wanted:
        """Check it now and then."""
        return replace(wanted, every=USUAL_INTERVAL)


class UnknownRegion(MonitorProblem):
    """It is wanted where there is nobody, and never will be."""

    recovery = "it is checked from any region"

    def recover(self, wanted: Wanted) -> Wanted:
        """Spread it as those that name no region."""
        return replace(wanted, region=None)


class UnknownCriticality(MonitorProblem):
    """Nobody can say how urgent it is."""

    recovery = "it counts as normal"

    def recover(self, wanted: Wanted) -> Wanted:
        """Neither first nor last."""
        return replace(wanted, priority=PRIORITIES[USUAL_CRITICALITY])


class NotAccepted(MonitorProblem):
    """The queue takes everything but this job."""

    recovery = "it is tried again at its next time"

    def recover(self, wanted: Wanted) -> Wanted:
        """Ask for no job now."""
        return wanted


class Unforeseen(MonitorProblem):
    """Nobody thought of what this row holds, and it must not stop those behind it."""

    recovery = "it is looked at again in 5 minutes"

    def recover(self, wanted: Wanted) -> Wanted:
        """Ask for no job now."""
        return replace(wanted, every=USUAL_INTERVAL, is_put_off=True)


def look_at(due: Due, regions: Collection[str]) -> tuple[Wanted, list[MonitorProblem]]:
    """What is wanted of a monitor, and what was wrong with it."""
    wanted = Wanted(
        due, _minutes(due), PRIORITIES.get(due.criticality, 0), due.preferred_region or None
    )
    problems: list[MonitorProblem] = []
    for check in (_check_address, _check_interval, _check_criticality, _check_region(regions)):
        try:
            check(wanted)
        except MonitorProblem as problem:
            wanted = problem.recover(wanted)
            problems.append(problem)
    return wanted, problems


def _minutes(due: Due) -> timedelta:
    try:
        return timedelta(minutes=due.check_interval_minutes)
    except (OverflowError, ValueError):  # infinity, and what is no number
        return timedelta()


def _check_address(wanted: Wanted) -> None:
    if not wanted.due.url.startswith(("http://", "https://", "/")):
        raise BadAddress(f"url: {wanted.due.url[:40]!r} is no address")


def _check_interval(wanted: Wanted) -> None:
    if not SHORTEST_INTERVAL <= wanted.every <= LONGEST_INTERVAL:
        minutes = wanted.due.check_interval_minutes
        raise BadInterval(f"check_interval_minutes: {minutes!r} is none from 1 second to a year")


def _check_criticality(wanted: Wanted) -> None:
    if wanted.due.criticality not in PRIORITIES:
        raise UnknownCriticality(f"criticality: {wanted.due.criticality!r} is not known")


def _check_region(regions: Collection[str]) -> Callable[[Wanted], None]:
    def check(wanted: Wanted) -> None:
        if wanted.region is not None and wanted.region not in regions:
            raise UnknownRegion(f"preferred_region: {wanted.region!r} is none of ours")

    return check
