"""Limits in tests: declare them, enqueue under them, and claim."""

from __future__ import annotations

from functools import partial
from typing import Any

from onbeat.domain.jobs import ClaimedJob, NewJob
from onbeat.domain.limits import LimitState, queue_limit, read_bounds
from onbeat.domain.workers import Session
from onbeat.store import limits
from onbeat.store.store import Store
from tests import factories


async def declare(store: Store, name: str = "calls", **bounds: Any) -> None:
    """Let code declare a limit."""
    read = read_bounds(bounds.get("concurrency"), bounds.get("rate"), bounds.get("burst"))
    await store.write(partial(limits.declare, wanted={name: read}, by="code:app"))


async def bound_queue(store: Store, queue: str = "default", **bounds: Any) -> None:
    """Bound a whole queue."""
    await declare(store, queue_limit(queue), **bounds)


async def state_of(store: Store, name: str = "calls") -> LimitState:
    """The limit as people see it."""
    return await store.read(partial(limits.find, name=name))


def under(*slots: str, **fields: Any) -> NewJob:
    """A job that needs these slots."""
    return factories.job(ties=tuple(f"slot:{slot}" for slot in slots), **fields)


async def claim(store: Store, session: Session, limit: int = 100) -> list[ClaimedJob]:
    """Claim from the default queue."""
    return await store.claim(session.id, ["default"], limit)
