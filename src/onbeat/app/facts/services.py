"""Services of all processes, what was wished of them, and how they are for a probe."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from onbeat.app.facts.moments import absolute
from onbeat.app.services import Came, Wished
from onbeat.domain.processes import FleetHealth, Process, SeenService, does_its_duty


def service_data(seen: SeenService) -> dict[str, Any]:
    """A service for programs."""
    service = seen.snapshot
    return {
        "id": seen.id,
        "kind": service.id,
        "name": service.name,
        "status": service.status,
        "healthy": does_its_duty(service),
        "critical": service.critical,
        "draining": service.draining,
        "runs": service.runs,
        "successes": service.successes,
        "failures": service.failures,
        "last_success_at": absolute(service.last_success_at),
        "last_error": service.last_error,
        "last_duration_s": _seconds(service.last_duration),
        "mean_duration_s": _seconds(service.mean_duration),
        "process": process_data(seen.process),
    }


def process_data(process: Process) -> dict[str, Any]:
    """A process for programs."""
    return {
        "id": process.id,
        "instance": process.instance,
        "host": process.host,
        "pid": process.pid,
        "version": process.version,
        "region": process.region,
        "started_at": absolute(process.started_at),
        "heartbeat_at": absolute(process.heartbeat_at),
    }


def wished_data(wished: Sequence[Wished]) -> dict[str, Any]:
    """What came of what was wished, for programs."""
    return {
        "done": all(each.came is Came.DONE for each in wished),
        "services": [
            {"id": each.service.id, "action": each.action, "came": each.came, "error": each.error}
            for each in wished
        ],
    }


def health_data(health: FleetHealth | None, now: datetime) -> dict[str, Any]:
    """How all services are, for a probe: states, and nothing that tells more; None where the
    database did not answer.
    """
    services = () if health is None else health.services
    return {
        "healthy": health is not None and health.healthy,
        "status": "unhealthy" if health is None else health.condition,
        "timestamp": absolute(now),
        "schedulers": {
            "total": len(services),
            "running": 0 if health is None else health.running,
            "errors": 0 if health is None else health.errors,
        },
        "details": {
            each.id: {
                "status": each.snapshot.status,
                "healthy": does_its_duty(each.snapshot),
                "lastSuccess": absolute(each.snapshot.last_success_at),
            }
            for each in services
        },
    }


def _seconds(duration: timedelta | None) -> float | None:
    return None if duration is None else duration.total_seconds()
