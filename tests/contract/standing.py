"""Processes that tell how their services stand."""

from __future__ import annotations

from datetime import timedelta
from functools import partial

from onbeat.domain.processes import Process
from onbeat.domain.services import Snapshot, Status
from onbeat.domain.workers import Session
from onbeat.store import processes
from onbeat.store.store import Store

TERM = timedelta(days=1)


async def told(
    store: Store, kind: str, status: Status, session: Session | None = None, short: str = "aaaaaaaa"
) -> None:
    """As if a process told that a service of it stands so: the process of the worker's session."""
    process = Process(
        id=short.rjust(32, "0"),
        instance="host-9" if session is None else session.instance,
        host="host",
        pid=9 if session is None else session.pid,
        version="1.0",
        services=(Snapshot(id=kind, name=kind, status=status, critical=True),),
    )
    tell = partial(processes.tell, process=process, expires_in=TERM, done={})
    await store.write(tell)
