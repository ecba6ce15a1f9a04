"""A worker session: one live process that holds leases, and how its death is told."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

DEFAULT_HEARTBEAT = timedelta(seconds=5)
DEFAULT_RESCUE_AFTER = timedelta(seconds=15)


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """A worker process as the store knows it; its id is never used again."""

    id: str
    instance: str
    host: str
    pid: int
    version: str
    queues: tuple[str, ...]
    slots: int
    region: str | None = None
    started_at: datetime | None = None
    heartbeat_at: datetime | None = None
    expires_at: datetime | None = None
    draining: bool = False
    running: int = 0
    service: str | None = None
    """Its id among the services of all processes, where its process tells of them."""
    paused: bool = False
    """Whether that service was told to claim no more for now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """A job that a session runs."""

    session: str
    job: str
    task: str
    queue: str
    attempt: int
    started_at: datetime


@dataclass(frozen=True, slots=True)
class StopRequest:
    """A running job that has been asked to stop."""

    token: int
    reason: str


@dataclass(frozen=True, slots=True)
class Pulse:
    """What a heartbeat brings back."""

    alive: bool
    """False when the session is gone: its jobs have been given to others, stop them."""
    stops: tuple[StopRequest, ...] = ()
