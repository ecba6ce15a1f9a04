"""How limits are shown."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from rich.text import Text

from onbeat.app.facts.limits import bounds_data, rate_text
from onbeat.app.facts.moments import absolute
from onbeat.cli.output.streams import Output
from onbeat.cli.output.tables import Cell, Column
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
