"""Where drills take place: a database on a server, behind a relay if need be; a file on a disk."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from tests.outages.drill import Drill, Pace, Report
from tests.outages.faults import Fault, Ground, small_disk
from tests.servers.postgres import PostgresServer
from tests.servers.relay import relay_to

DISK_MEGABYTES = 160
"""Room for what a drill writes before its disk is filled."""


def drill_on_postgres(fault: Fault, server: PostgresServer, folder: Path, pace: Pace) -> Report:
    """A drill on a database of its own, which is gone afterwards."""
    name = f"drill_{uuid.uuid4().hex}"
    url = server.create_database(name)
    with ExitStack() as stack:
        relay = stack.enter_context(relay_to(url)) if fault.needs_relay else None
        report = Drill(fault, Ground(url, server, relay), folder, pace).run()
    server.drop_database(name)
    return report


def drill_on_sqlite(fault: Fault, folder: Path, pace: Pace) -> Report:
    """A drill on a file of its own. Raises CalledProcessError where no disk can be mounted."""
    with _disk(fault, folder) as disk:
        return Drill(fault, Ground(f"sqlite:///{disk / 'onbeat.db'}"), folder, pace).run()


@contextmanager
def _disk(fault: Fault, folder: Path) -> Iterator[Path]:
    if not fault.small_disk:
        yield folder
        return
    with small_disk(folder / "disk", DISK_MEGABYTES) as disk:
        yield disk
