"""Processes as the store knows them: which services each runs, and what is wished of those."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from onbeat.domain.errors import NotFound
from onbeat.domain.services import Snapshot, Status
from onbeat.domain.workers import Session

SHORT_DIGITS = 8
"""The last digits of a process's id, which are random: so many tell the few there are apart."""

SCHEDULER = "scheduler"
"""The id of the services that make jobs of schedules: without one of them nothing is ever due."""

CYCLE = timedelta(seconds=1)
"""How long a scheduler's cycle may take: a schedule may be due every second, and a longer one is
late for the next.
"""

WORKER = "worker"
"""The id of the services that run jobs."""

AT_REST = (Status.PAUSED, Status.STOPPED)
"""How those stand that were told to do nothing for now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Process:
    """A process that runs services; its id is never used again."""

    id: str
    instance: str
    host: str
    pid: int
    version: str
    region: str | None = None
    started_at: datetime | None = None
    heartbeat_at: datetime | None = None
    expires_at: datetime | None = None
    services: tuple[Snapshot, ...] = ()

    @property
    def short(self) -> str:
        """What tells it from others, and nothing else: no host, no number of the system's."""
        return self.id[-SHORT_DIGITS:]


@dataclass(frozen=True, slots=True)
class SeenService:
    """A service, and the process that runs it."""

    snapshot: Snapshot
    process: Process

    @property
    def id(self) -> str:
        """Its id among those of all processes, as `scheduler@5d0c2f1a`."""
        return f"{self.snapshot.id}@{self.process.short}"


class Action(StrEnum):
    """What can be wished of a service."""

    START = "start"
    STOP = "stop"
    PAUSE = "pause"
    RESUME = "resume"
    RESTART = "restart"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What somebody wants of one service in one process."""

    id: str
    process: str
    service: str
    action: Action
    asked_at: datetime | None = None
    asked_by: str = ""
    done_at: datetime | None = None
    """When the process had done it, or found that it cannot be done."""
    error: str | None = None
    """Why it cannot be done."""


def seen_in(processes: Iterable[Process]) -> list[SeenService]:
    """All services of these processes, by kind."""
    found = [SeenService(each, process) for process in processes for each in process.services]
    return sorted(found, key=lambda each: each.id)


def chosen(processes: Sequence[Process], wanted: str) -> list[SeenService]:
    """The services that `wanted` means: a kind means all of that kind, `KIND@PROCESS` the one.

    A process is named by its short id, its whole one, or its instance's name. Raises NotFound.
    """
    kind, at, where = wanted.partition("@")
    found = [
        each
        for each in seen_in(processes)
        if each.snapshot.id == kind
        and (not at or where in (each.process.short, each.process.id, each.process.instance))
    ]
    if not found:
        kinds = dict.fromkeys(each.snapshot.id for each in seen_in(processes))
        raise NotFound(
            f"no service {wanted[:200]!r} in a process that is heard of; there are: "
            f"{', '.join(kinds) or 'none'}"
        )
    return found


def at_rest(processes: Iterable[Process], kind: str) -> tuple[SeenService, ...]:
    """The services of a kind, if all of them were told to rest; none where one is at work."""
    found = tuple(each for each in seen_in(processes) if each.snapshot.id == kind)
    return found if all(each.snapshot.status in AT_REST for each in found) else ()


def slow_cycles(processes: Iterable[Process], share: float) -> list[SeenService]:
    """The schedulers at work whose last cycle took such a share of the time it has, or more."""
    return [
        each
        for each in seen_in(processes)
        if each.snapshot.id == SCHEDULER and each.snapshot.status is Status.RUNNING
        and each.snapshot.last_duration is not None
        and each.snapshot.last_duration >= share * CYCLE
    ]  # fmt: skip


def with_services(sessions: Sequence[Session], processes: Iterable[Process]) -> list[Session]:
    """The workers, each with its service, and whether that is paused."""
    services = {
        (each.process.instance, each.process.host, each.process.pid): each
        for each in seen_in(processes)
        if each.snapshot.id == WORKER
    }
    return [
        each
        if (seen := services.get((each.instance, each.host, each.pid))) is None
        else replace(each, service=seen.id, paused=seen.snapshot.status is Status.PAUSED)
        for each in sessions
    ]


class Condition(StrEnum):
    """How the services of all processes are, taken together."""

    HEALTHY = "healthy"
    DEGRADED = "degraded"
    """What is needed works; something else has failed, or was told to stop or to pause."""
    UNHEALTHY = "unhealthy"


@dataclass(frozen=True, slots=True)
class FleetHealth:
    """How all services are, for a probe."""

    condition: Condition
    services: tuple[SeenService, ...]

    @property
    def healthy(self) -> bool:
        """Whether everything that is needed does its duty."""
        return self.condition is not Condition.UNHEALTHY

    @property
    def running(self) -> int:
        """How many are at work."""
        return sum(each.snapshot.status is Status.RUNNING for each in self.services)

    @property
    def errors(self) -> int:
        """How many have failed."""
        return sum(each.snapshot.status is Status.ERROR for each in self.services)


def does_its_duty(snapshot: Snapshot) -> bool:
    """Whether a service works, or was told not to."""
    return snapshot.healthy or snapshot.status is Status.STOPPED


def health(processes: Iterable[Process]) -> FleetHealth:
    """How all services are: unhealthy where a critical one has failed, or no scheduler is there."""
    services = tuple(seen_in(processes))
    of_kind = [each for each in services if each.snapshot.id == SCHEDULER]
    fails = any(each.snapshot.critical and not does_its_duty(each.snapshot) for each in services)
    if not of_kind or fails:
        condition = Condition.UNHEALTHY
    elif all(each.snapshot.status is Status.RUNNING for each in services):
        condition = Condition.HEALTHY
    else:
        condition = Condition.DEGRADED
    return FleetHealth(condition, services)


LONGEST_WAIT = timedelta(seconds=10)


def patience(heartbeat: timedelta) -> timedelta:
    """How long to wait for what a process makes of a wish: it hears of it within its heartbeat."""
    return min(heartbeat + timedelta(seconds=1), LONGEST_WAIT)
