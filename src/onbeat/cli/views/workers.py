"""Worker sessions."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from rich.text import Text

from onbeat.cli.output.colours import BAD, WARNING
from onbeat.cli.output.tables import Cell, Column
from onbeat.cli.output.words import since
from onbeat.domain.workers import Session

COLUMNS = (
    Column("INSTANCE", bends=True),
    Column("HOST", bends=True, spare=True),
    Column("PID", right=True),
    Column("JOBS", right=True),
    Column("QUEUES", bends=True),
    Column("STARTED"),
    Column("HEARD OF"),
    Column(""),
)


def worker_rows(sessions: Sequence[Session], now: datetime) -> list[list[Cell]]:
    """The rows of a list."""
    return [
        [
            session.instance,
            session.host,
            str(session.pid),
            f"{session.running}/{session.slots}",
            ",".join(session.queues),
            since(session.started_at, now),
            since(session.heartbeat_at, now),
            _standing(session, now),
        ]
        for session in sessions
    ]


def _standing(session: Session, now: datetime) -> Text:
    if session.expires_at is not None and session.expires_at < now:
        return Text("silent", BAD)
    if session.draining:
        return Text("draining", WARNING)
    return Text("paused", WARNING) if session.paused else Text("")
