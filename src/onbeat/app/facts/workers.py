"""Worker sessions."""

from __future__ import annotations

from typing import Any

from onbeat.app.facts.moments import absolute
from onbeat.domain.workers import Held, Session


def worker_data(session: Session) -> dict[str, Any]:
    """A worker for programs."""
    return {
        "session": session.id,
        "instance": session.instance,
        "host": session.host,
        "pid": session.pid,
        "version": session.version,
        "region": session.region,
        "queues": list(session.queues),
        "concurrency": session.slots,
        "running": session.running,
        "draining": session.draining,
        "service": session.service,
        "paused": session.paused,
        "started_at": absolute(session.started_at),
        "heartbeat_at": absolute(session.heartbeat_at),
        "expires_at": absolute(session.expires_at),
    }


def held_data(held: Held) -> dict[str, Any]:
    """A job that a worker runs, for programs."""
    return {
        "session": held.session,
        "job": held.job,
        "task": held.task,
        "queue": held.queue,
        "attempt": held.attempt,
        "started_at": absolute(held.started_at),
    }
