"""Virtual clocks."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from onbeat.app.facts.moments import absolute
from onbeat.cli.output.tables import Cell, Column
from onbeat.cli.output.words import since
from onbeat.domain.clocks import Clock

COLUMNS = (Column("CLOCK", bends=True), Column("STANDS AT"), Column("MOVED"))


def clock_rows(clocks: Sequence[Clock], now: datetime) -> list[list[Cell]]:
    """The rows of a list."""
    return [
        [clock.name, absolute(clock.now_at) or "", since(clock.advanced_at, now)]
        for clock in clocks
    ]
