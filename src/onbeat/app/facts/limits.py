"""Limits and their slots."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from onbeat.app.facts.moments import absolute
from onbeat.domain.durations import format_duration
from onbeat.domain.limits import Bounds, LimitState, SlotState, slot_text


def limit_data(limit: LimitState) -> dict[str, Any]:
    """A limit as JSON has it."""
    return {
        "name": limit.name,
        **bounds_data(limit.bounds),
        "declared": None if limit.declared is None else bounds_data(limit.declared),
        "by_hand": limit.by_hand,
        "held": limit.used,
        "waiting": limit.waiting,
        "slots": limit.slots,
        "changed_at": absolute(limit.changed_at),
        "changed_by": limit.changed_by,
    }


def bounds_data(bounds: Bounds) -> dict[str, Any]:
    """What a limit allows, as JSON has it."""
    return {
        "concurrency": bounds.concurrency, "rate": rate_text(bounds), "burst": bounds.burst
    }  # fmt: skip


def slot_data(slot: SlotState) -> dict[str, Any]:
    """A slot as JSON has it."""
    return {
        "slot": slot_text(slot.name), "held": slot.used, "waiting": slot.waiting,
        "open_at": absolute(slot.open_at),
    }  # fmt: skip


def rate_text(bounds: Bounds) -> str | None:
    """A rate as it is given: 100/1m."""
    if bounds.rate is None or bounds.period is None:
        return None
    period = format_duration(timedelta(microseconds=bounds.period))
    return f"{bounds.rate}/{period}"
