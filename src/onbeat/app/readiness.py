"""Whether a process can do its work: what probes ask, wherever they are answered."""

from __future__ import annotations

import time
from collections.abc import Collection
from dataclasses import dataclass

from onbeat.app.onbeat import Onbeat
from onbeat.domain.errors import OnbeatError
from onbeat.runtime.manager import ServiceManager
from onbeat.store.schema_state import status
from onbeat.timing import within

PATIENCE = 3.0
"""Seconds in which the database is to have answered: who probes waits for 5."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Readiness:
    """Whether a process does its work, or why not."""

    reason: str | None
    """Why it is not ready; None where it is. It holds nothing that nobody may know."""
    latency: float | None = None
    """Milliseconds that the database took; None where it did not answer, or was not asked."""
    is_asked: bool = False
    """Whether the database was asked."""


async def database_latency(ob: Onbeat) -> float | None:
    """Milliseconds that the database took to answer; None where it does not, or lacks the tables
    that are needed.
    """
    began = time.perf_counter()
    try:
        store = await ob.store()
        is_up = (await store.read(lambda connection, _: status(connection))).is_current
    except OnbeatError:
        return None
    return round((time.perf_counter() - began) * 1000, 2) if is_up else None


async def readiness(
    ob: Onbeat, manager: ServiceManager | None, needed: Collection[str] = ()
) -> Readiness:
    """Whether the process whose services `manager` has does its work: a worker claims, a scheduler
    makes jobs, a service holds its term, and the database is reached.

    Its critical services count, and those whose ids are `needed`.
    """
    if manager is None:
        return Readiness(reason="starting: its services are not set up")
    if manager.is_stopping:
        return Readiness(reason=manager.hindrance())
    try:
        async with within(PATIENCE):
            took = await database_latency(ob)
    except TimeoutError:
        took = None
    reason = "the database does not answer, or lacks tables that are needed"
    if took is not None:
        reason_of_services = manager.hindrance(needed)
        return Readiness(reason=reason_of_services, latency=took, is_asked=True)
    return Readiness(reason=reason, is_asked=True)
