"""Virtual clocks."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from onbeat.cli.output.tables import Cell, Column
from onbeat.cli.output.words import absolute, since
from onbeat.domain.clocks import Advanced, Clock

COLUMNS = (Column("CLOCK", bends=True), Column("STANDS AT"), Column("MOVED"))


def clock_data(clock: Clock) -> dict[str, Any]:
    """A clock for programs."""
    return {
        "name": clock.name,
        "now_at": absolute(clock.now_at),
        "created_at": absolute(clock.created_at),
        "advanced_at": absolute(clock.advanced_at),
    }


def advanced_data(done: Advanced) -> dict[str, Any]:
    """What moving a clock did, for programs."""
    return {
        "now_at": absolute(done.now_at),
        "fired": done.fired,
        "released": done.released,
        "expired": done.expired,
        "is_done": done.is_done,
        "goal_at": absolute(done.goal_at),
    }


def clock_rows(clocks: Sequence[Clock], now: datetime) -> list[list[Cell]]:
    """The rows of a list."""
    return [
        [clock.name, absolute(clock.now_at) or "", since(clock.advanced_at, now)]
        for clock in clocks
    ]
