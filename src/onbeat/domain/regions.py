"""Regions: which queue a job goes to, by where it is wanted and where it can be run. Pure.

A region has a queue of its own, and workers near it serve that queue. A job that is wanted in a
region goes to its queue; where that cannot take it, to the first of its fallbacks that can, and
else to the default queue. A job that is wanted nowhere in particular is spread.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from functools import cached_property
from typing import Any

import msgspec

from onbeat.domain.durations import format_duration, read_duration
from onbeat.domain.errors import InvalidInput
from onbeat.domain.jobs import DEFAULT_QUEUE, check_name

LARGEST_BACKLOG = 100_000
"""A backlog is counted up to its limit, about once a second: more would cost what it costs."""

LARGEST_WEIGHT = 1_000

LONGEST = timedelta(days=1)


class Spread(StrEnum):
    """How jobs that are wanted nowhere in particular are spread over the regions."""

    ROUND_ROBIN = "round-robin"
    WEIGHTED = "weighted"


@dataclass(frozen=True)
class Regions:
    """Which queue each region has: `Regions({"us": "checks-us", "eu": "checks-eu"})`.

    `default` is the queue of last resort; tasks whose queue it is are spread over the regions
    where a job names none. `fallback` lists for a region where its jobs go when it cannot take
    them: when no worker has served its queue for `unavailable_after`, when more than `backlog` jobs
    wait in it, or when it is paused. What waits in a queue without a worker for `move_after` is
    moved. With spread="weighted" a region is given as many jobs as its share of `weights`; 1 unless
    said. Raises InvalidInput.
    """

    queues: Mapping[str, str]
    default: str = DEFAULT_QUEUE
    fallback: Mapping[str, Sequence[str]] = field(default_factory=dict)
    spread: str = Spread.ROUND_ROBIN
    weights: Mapping[str, int] = field(default_factory=dict)
    unavailable_after: str | timedelta = "30s"
    backlog: int = 10_000
    move_after: str | timedelta = "2m"

    def __post_init__(self) -> None:
        """Check every field."""
        _check_queues(self.queues, check_name("default", self.default))
        for region, others in self.fallback.items():
            _check_fallback(self, region, others)
        if self.spread not in list(Spread):
            raise InvalidInput("spread", f"{self.spread!r} is not known; give one of {_SPREADS}")
        _check_weights(self)
        _check_count("backlog", self.backlog, LARGEST_BACKLOG)
        _ = self.silence, self.patience

    @cached_property
    def silence(self) -> timedelta:
        """After how long without a worker a region is given no more jobs."""
        return _duration("unavailable_after", self.unavailable_after)

    @cached_property
    def patience(self) -> timedelta:
        """After how long without a worker what waits in a region is moved."""
        return _duration("move_after", self.move_after)

    @cached_property
    def turns(self) -> tuple[str, ...]:
        """The regions in the order in which jobs are spread, each as often as it weighs."""
        if self.spread == Spread.ROUND_ROBIN:
            return tuple(self.queues)
        return tuple(name for name in self.queues for _ in range(self.weights.get(name, 1)))

    @cached_property
    def by_queue(self) -> Mapping[str, str]:
        """Which region a queue is of."""
        return {queue: region for region, queue in self.queues.items()}

    def check(self, region: str) -> str:
        """Return `region`; it must be one of these. Raises InvalidInput."""
        return _check_known(self, "region", region)

    def spec(self) -> dict[str, Any]:
        """What it says, as JSON has it."""
        return {
            "queues": dict(self.queues),
            "default": self.default,
            "fallback": {region: list(others) for region, others in self.fallback.items()},
            "spread": str(self.spread),
            "weights": dict(self.weights),
            "unavailable_after": format_duration(self.silence),
            "backlog": self.backlog,
            "move_after": format_duration(self.patience),
        }


_SPREADS = ", ".join(Spread)


def read_regions(text: str) -> Regions:
    """Regions from JSON, or from "us=checks-us,eu=checks-eu". Raises InvalidInput."""
    if not text.lstrip().startswith("{"):
        return Regions(_pairs(text))
    try:
        said = msgspec.json.decode(text, type=dict[str, Any])
    except msgspec.DecodeError as error:
        raise InvalidInput("regions", f"it is not JSON: {error}") from None
    known = list(Regions.__dataclass_fields__)
    for name in said:
        if name not in known:
            raise InvalidInput(name, f"regions have no such field; known: {', '.join(known)}")
    if "queues" not in said:
        raise InvalidInput("queues", 'it is missing; give {"queues": {"us": "checks-us"}}')
    _check_shapes(said)
    return Regions(**said)


_SHAPES: dict[str, Any] = {
    "queues": dict[str, str],
    "fallback": dict[str, list[str]],
    "weights": dict[str, int],
    "default": str,
    "spread": str,
    "unavailable_after": str,
    "move_after": str,
    "backlog": int,
}


def _check_shapes(said: Mapping[str, Any]) -> None:
    for name, value in said.items():
        try:
            msgspec.convert(value, _SHAPES[name])
        except msgspec.ValidationError as error:
            raise InvalidInput(name, f"{value!r} does not fit: {error}") from None


def _pairs(text: str) -> dict[str, str]:
    pairs = [part.partition("=") for part in text.split(",") if part.strip()]
    if not pairs or any(not equals for _, equals, _ in pairs):
        raise InvalidInput("regions", f"{text!r} is not REGION=QUEUE,…; give us=checks-us,…")
    named = [region.strip() for region, _, _ in pairs]
    if len(set(named)) < len(named):
        raise InvalidInput("regions", f"{text!r} names a region twice; name each once")
    return {region.strip(): queue.strip() for region, _, queue in pairs}


def _check_queues(queues: Mapping[str, str], default: str) -> None:
    if not queues:
        raise InvalidInput("queues", 'it names no region; give {"us": "checks-us"}')
    for region, queue in queues.items():
        check_name("region", region)
        check_name("queue", queue)
    if len(set(queues.values())) < len(queues):
        raise InvalidInput("queues", "two regions have the same queue; give each one of its own")
    if default in queues.values():
        raise InvalidInput("default", f"{default!r} is a region's queue; give one of its own")


def _check_known(regions: Regions, name: str, region: str) -> str:
    if region not in regions.queues:
        known = ", ".join(regions.queues)
        raise InvalidInput(name, f"{region!r} is no region here; known: {known}")
    return region


def _check_fallback(regions: Regions, region: str, others: Sequence[str]) -> None:
    _check_known(regions, "fallback", region)
    if isinstance(others, str):
        raise InvalidInput("fallback", f"{others!r} of {region} is one text; give a list")
    for other in others:
        if _check_known(regions, "fallback", other) == region:
            raise InvalidInput("fallback", f"{region!r} falls back on itself; leave it out")


def _check_weights(regions: Regions) -> None:
    if regions.weights and regions.spread != Spread.WEIGHTED:
        raise InvalidInput("weights", "they go with spread='weighted'; give that too")
    for region, weight in regions.weights.items():
        _check_known(regions, "weights", region)
        _check_count("weights", weight, LARGEST_WEIGHT)


def _check_count(name: str, count: int, most: int) -> None:
    if isinstance(count, bool) or not isinstance(count, int) or not 1 <= count <= most:
        raise InvalidInput(name, f"{count!r} is out of range; give 1 to {most:,}")


def _duration(name: str, value: str | timedelta) -> timedelta:
    duration = read_duration(value, name)
    if not timedelta() < duration <= LONGEST:
        raise InvalidInput(name, f"{value!r} is out of range; give more than 0s, at most 24h")
    return duration


@dataclass(frozen=True, slots=True)
class Health:
    """How a queue is."""

    workers: int = 0
    """Live workers that serve it and take jobs."""
    served_at: datetime | None = None
    """When one last did; None for never."""
    backlog: int = 0
    """Jobs that are pending in it, counted up to one more than the limit."""
    is_paused: bool = False


@dataclass(frozen=True, slots=True)
class Route:
    """Where a job goes."""

    queue: str
    region: str | None
    """None for the default queue."""
    why: str | None = None
    """Why there; None where it goes where it was wanted."""


Healths = Mapping[str, Health]
"""How each queue is, by name."""

NOBODY = Health()


def refusal(regions: Regions, health: Health, now: datetime) -> str | None:
    """Why a region can be given no jobs now; None where it can."""
    if health.is_paused:
        return "its queue is paused"
    if health.workers == 0:
        if health.served_at is None:
            return "no worker has served it"
        if now - health.served_at > regions.silence:
            return f"no worker for {format_duration(regions.silence)}"
    if health.backlog > regions.backlog:
        return f"more than {regions.backlog:,} jobs wait in it"
    return None


def route(
    preferred: str | None, regions: Regions, health: Healths, turn: int, now: datetime
) -> Route:
    """Where a job goes that is wanted in `preferred`, or anywhere; `turn` counts the latter."""
    refused = {
        region: refusal(regions, health.get(queue, NOBODY), now)
        for region, queue in regions.queues.items()
    }
    return _sent(preferred, regions, refused, turn)


def _sent(
    preferred: str | None, regions: Regions, refused: Mapping[str, str | None], turn: int
) -> Route:
    if preferred is not None:
        return _wanted(preferred, regions, refused)
    turns = [region for region in regions.turns if refused[region] is None]
    if not turns:
        return Route(regions.default, None, _told(refused, regions.queues))
    region = turns[turn % len(turns)]
    return Route(regions.queues[region], region, str(regions.spread))


def _wanted(preferred: str, regions: Regions, refused: Mapping[str, str | None]) -> Route:
    tried: list[str] = []
    for region in (preferred, *regions.fallback.get(preferred, ())):
        if refused[region] is None:
            return Route(regions.queues[region], region, _told(refused, tried) or None)
        tried.append(region)
    return Route(regions.default, None, _told(refused, tried))


def _told(refused: Mapping[str, str | None], regions: Sequence[str] | Mapping[str, str]) -> str:
    return "; ".join(f"{region}: {refused[region]}" for region in regions)


def open_queues(regions: Regions, health: Healths, now: datetime) -> list[str]:
    """The queues of the regions that can be given jobs now, by name."""
    return sorted(
        queue
        for queue in regions.queues.values()
        if refusal(regions, health.get(queue, NOBODY), now) is None
    )


def moves_at(regions: Regions, health: Health, since: datetime) -> datetime | None:
    """When what waits in such a queue is moved; None while a worker serves it.

    `since` is when the region was declared, for one that nobody has served yet.
    """
    if health.workers:
        return None
    return (health.served_at or since) + regions.patience


def refuge(region: str, regions: Regions, health: Healths, now: datetime) -> Route | None:
    """Where what is stranded in a region goes: where somebody works; None where nobody does."""
    found = _wanted(region, regions, _no_refuges(regions, health, now))
    if found.region is None and not _is_worked(health.get(regions.default, NOBODY)):
        return None
    return None if found.region == region else found


def way_out(
    asked: str | None, regions: Regions, health: Healths, turn: int, now: datetime
) -> Route | None:
    """Where what is stranded in the default queue goes, by where it was wanted; None for no region
    that it may go to and where somebody works.
    """
    found = _sent(asked, regions, _no_refuges(regions, health, now), turn)
    return None if found.region is None else found


def _no_refuges(regions: Regions, health: Healths, now: datetime) -> dict[str, str | None]:
    return {
        each: _no_refuge(regions, health.get(queue, NOBODY), now)
        for each, queue in regions.queues.items()
    }


def _no_refuge(regions: Regions, health: Health, now: datetime) -> str | None:
    return refusal(regions, health, now) if health.workers else "no worker serves it"


def _is_worked(health: Health) -> bool:
    return health.workers > 0 and not health.is_paused


Send = Callable[[str], tuple[str | None, Route] | None]
"""Where the jobs of a schedule go that has this queue: the region they are wanted in, and the way;
None where its queue has nothing to do with regions."""


def describe(asked: str | None, to: Route) -> bytes:
    """What is kept with a job of where it was wanted and where it was sent, as JSON."""
    told = {"asked": asked, "region": to.region, "why": to.why}
    return msgspec.json.encode({name: value for name, value in told.items() if value is not None})


def route_text(route: str) -> str:
    """Where a job was wanted, where it was sent, and why; a job that was moved says when."""
    told = msgspec.json.decode(route)
    wanted, region = told.get("asked"), told.get("region") or "the default queue"
    said = region if wanted in (None, region) else f"wanted in {wanted}, sent to {region}"
    if why := told.get("why"):
        said += f" ({why})"
    if moved_at := told.get("moved_at"):
        said += f"; moved from {told['moved_from']} at {moved_at[:19].replace('T', ' ')} UTC"
    return said


def elsewhere_text(route: str) -> str | None:
    """What was done with a job that is not where it was wanted, or was moved; None for others."""
    told = msgspec.json.decode(route)
    if told.get("asked") not in (None, told.get("region")):
        return route_text(route)
    return f"sent to {route_text(route)}" if "moved_at" in told else None


@dataclass(frozen=True, slots=True, kw_only=True)
class RegionState:
    """A region on record, and how it is; `region` None stands for the default queue."""

    region: str | None
    queue: str
    health: Health
    refusal: str | None
    """Why it is given no jobs now."""
    goes_to: str
    """The queue to which a job that is wanted there goes now."""
    moves_at: datetime | None
    """When what waits in it is moved, where nobody works there."""
    spread: str = Spread.ROUND_ROBIN
    spread_over: Sequence[str] = ()
    """Of the default queue, those over which jobs that are wanted nowhere are spread now."""
