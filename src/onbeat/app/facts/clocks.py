"""Virtual clocks."""

from __future__ import annotations

from typing import Any

from onbeat.app.facts.moments import absolute
from onbeat.domain.clocks import Advanced, Clock


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
