"""How limits are shown."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from rich.text import Text

from onbeat.cli.output.streams import Output
from onbeat.cli.output.tables import Cell, Column
from onbeat.cli.output.words import absolute
from onbeat.domain.durations import format_duration
from onbeat.domain.limits import Bounds, LimitState, SlotState, slot_text

COLUMNS = (
    Column("LIMIT", bends=True),
    Column("ALLOWS"),
    Column("HELD", right=True),
    Column("WAITING", right=True),
    Column("SLOTS", right=True),
    Column("SET BY", bends=True),
)
SLOT_COLUMNS = (
    Column("SLOT", bends=True),
    Column("HELD", right=True),
    Column("WAITING", right=True),
    Column("NEXT"),
)


LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)
"""A slot that nobody has held back opens in 1970."""


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


def bounds_text(bounds: Bounds) -> str:
    """What a limit allows, in words."""
    said = []
    if bounds.concurrency is not None:
        said.append(f"{bounds.concurrency} at once")
    if bounds.rate is not None:
        burst = f", {bounds.burst} in a burst" if bounds.burst is not None else ""
        said.append(f"{rate_text(bounds)}{burst}")
    return ", ".join(said)


def gone(before: Bounds, after: Bounds) -> list[str]:
    """The options that a limit was set with, or declared as, and is no more."""
    now = bounds_data(after)
    return [
        f"--{name} {value}"
        for name, value in bounds_data(before).items()
        if value is not None and now[name] is None
    ]


def rows(limits: Sequence[LimitState]) -> list[list[Cell]]:
    """A row for each limit."""
    return [
        [
            each.name, bounds_text(each.bounds), f"{each.used:,}", f"{each.waiting:,}",
            f"{each.slots:,}", each.changed_by if each.by_hand else "code",
        ]
        for each in limits
    ]  # fmt: skip


def page(out: Output, limit: LimitState, slots: Sequence[SlotState]) -> list[str | Text]:
    """One limit with its slots."""
    lines: list[str | Text] = [f"{limit.name} allows {bounds_text(limit.bounds)}"]
    if limit.by_hand:
        code = "" if limit.declared is None else f"; the code says {bounds_text(limit.declared)}"
        lines.append(f"set by {limit.changed_by} at {absolute(limit.changed_at)}{code}")
    if not slots:
        return [*lines, "no job holds it or waits for it"]
    cells: list[list[Cell]] = [
        [slot_text(each.name), f"{each.used:,}", f"{each.waiting:,}", _next(each)] for each in slots
    ]
    return [*lines, "", *out.table(SLOT_COLUMNS, cells)]


def _next(slot: SlotState) -> str:
    if slot.is_full:
        return "when one ends"
    return "at once" if slot.open_at <= LONG_AGO else absolute(slot.open_at) or ""
