"""Services of all processes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from rich.text import Text

from onbeat.app.services import Came, Wished
from onbeat.cli.output.colours import BAD, GOOD, WARNING
from onbeat.cli.output.tables import Cell, Column
from onbeat.cli.output.words import since
from onbeat.domain.processes import SeenService
from onbeat.domain.services import Snapshot, Status

COLUMNS = (
    Column("SERVICE", bends=True), Column("STATUS"), Column("INSTANCE", bends=True),
    Column("HOST", bends=True, spare=True), Column("PID", right=True), Column("RUNS", right=True),
    Column("FAILED", right=True), Column("LAST SUCCESS"), Column("LAST ERROR", bends=True),
)  # fmt: skip
COLOURS = {Status.RUNNING: GOOD, Status.PAUSED: WARNING, Status.ERROR: BAD}


def service_rows(services: Sequence[SeenService], now: datetime) -> list[list[Cell]]:
    """The rows of a list."""
    return [
        [each.id, _status(each.snapshot), each.process.instance, each.process.host,
         str(each.process.pid), f"{each.snapshot.runs:,}", f"{each.snapshot.failures:,}",
         since(each.snapshot.last_success_at, now), each.snapshot.last_error or ""]
        for each in services
    ]  # fmt: skip


def _status(service: Snapshot) -> Text:
    draining = " (draining)" if service.draining else ""
    return Text(f"{service.status}{draining}", COLOURS.get(service.status, ""))


CAME = {
    Came.DONE: "done",
    Came.WISHED: "not done yet; its process does it as soon as it hears of it",
}


def wished_lines(wished: Sequence[Wished]) -> Iterator[str]:
    """What came of what was wished, a line for each service."""
    for each in wished:
        yield f"{each.service.id}: {CAME.get(each.came) or f'{each.came}: {each.error}'}"
