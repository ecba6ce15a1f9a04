"""What the fleet has counted, cold: added to, and read.

A row per bucket, so that processes add to it side by side without reading it. Rows are written in
one order, or two who add would wait for each other.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Final

import msgspec
from sqlalchemy import Connection, select
from sqlalchemy.dialects import postgresql, sqlite

from onbeat.domain.meters import BOUNDS, Added, Meter, Sum
from onbeat.store.payloads import encode
from onbeat.store.schema import meters

MOST: Final = 500
"""Names (a task in a queue, a queue) that are told apart on one meter; a further one is counted
among the rest, so that the table and what is told of it stay small.
"""

_labels = msgspec.json.Decoder(tuple[str, ...]).decode


def add(connection: Connection, now: datetime, counted: Sequence[Added]) -> None:
    """Add what a process has counted."""
    rows: dict[tuple[str, str, int], dict[str, Any]] = {}
    for each in _within_bounds(connection, counted):
        labels = encode(each.labels).decode()
        row = rows.setdefault(
            (each.meter, labels, each.bucket),
            {"meter": each.meter, "labels": labels, "bucket": each.bucket, "number": 0,
             "seconds": 0.0},
        )  # fmt: skip
        row["number"] += each.number
        row["seconds"] += each.seconds
    if not rows:
        return
    insert = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    put = insert(meters)
    more = {name: meters.c[name] + put.excluded[name] for name in ("number", "seconds")}
    keys = [column.name for column in meters.primary_key]
    connection.execute(
        put.on_conflict_do_update(index_elements=keys, set_=more),
        [rows[key] for key in sorted(rows)],
    )


def _within_bounds(connection: Connection, counted: Iterable[Added]) -> list[Added]:
    """The same, with names among the rest of which there are too many already."""
    kept: list[Added] = []
    by_meter: defaultdict[Meter, list[Added]] = defaultdict(list)
    for each in counted:
        by_meter[each.meter].append(each)
    for meter, some in by_meter.items():
        wanted = {each.labels for each in some} if meter.names else set()
        new = {_names(meter, each) for each in wanted - _known(connection, meter, wanted)}
        refused = new - _with_room(connection, meter, new) if new else set()
        kept += [each.as_rest() if _names(meter, each.labels) in refused else each for each in some]
    return kept


def _known(
    connection: Connection, meter: Meter, wanted: set[tuple[str, ...]]
) -> set[tuple[str, ...]]:
    """Which of these labels have rows: all of them, nearly always."""
    if not wanted:
        return set()
    told = [encode(each).decode() for each in wanted]
    has = select(meters.c.labels).where(meters.c.meter == meter, meters.c.labels.in_(told))
    return {_labels(each) for each in connection.scalars(has.distinct())}


def _with_room(
    connection: Connection, meter: Meter, new: set[tuple[str, ...]]
) -> set[tuple[str, ...]]:
    """Which of these names are told apart already, or may be."""
    labels = connection.scalars(select(meters.c.labels).where(meters.c.meter == meter).distinct())
    known = {_names(meter, _labels(each)) for each in labels}
    return (new & known) | set(sorted(new - known)[: max(MOST - len(known), 0)])


def _names(meter: Meter, labels: tuple[str, ...]) -> tuple[str, ...]:
    return labels[: meter.names]


def read(connection: Connection, now: datetime) -> list[Sum]:
    """All sums, by meter and labels; without meters that this Onbeat does not know."""
    found: dict[tuple[str, str], tuple[list[int], list[float]]] = {}
    for row in connection.execute(select(meters).where(meters.c.meter.in_(list(Meter)))):
        within, seconds = found.setdefault(
            (row.meter, row.labels), ([0] * (len(BOUNDS) + 1), [0.0])
        )
        within[row.bucket] += row.number
        seconds[0] += row.seconds
    return [
        Sum(Meter(meter), _labels(labels), tuple(within), seconds[0])
        for (meter, labels), (within, seconds) in sorted(found.items())
    ]
