"""Regions."""

from __future__ import annotations

from typing import Any

from onbeat.app.facts.moments import absolute
from onbeat.domain.regions import RegionState


def region_data(state: RegionState) -> dict[str, Any]:
    """A region as JSON has it; `region` null is the default queue."""
    return {
        "region": state.region,
        "queue": state.queue,
        "workers": state.health.workers,
        "served_at": absolute(state.health.served_at),
        "pending": state.health.backlog,
        "paused": state.health.is_paused,
        "unavailable": state.refusal,
        "goes_to": state.goes_to,
        "spread_over": list(state.spread_over),
        "moves_at": absolute(state.moves_at),
    }
