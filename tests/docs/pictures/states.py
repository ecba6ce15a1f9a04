"""The states of a job, from the table of moves itself: each move that there is must be drawn."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from onbeat.domain.states import MOVES, SHOWN_IN, Place
from tests.docs.pictures.shapes import Box, arrow, page, text

BOXES: Mapping[Place, tuple[float, float, float, float]] = {
    Place.DELAYED: (200, 56, 180, 66),
    Place.READY: (200, 216, 180, 66),
    Place.BLOCKED: (200, 376, 180, 66),
    Place.LEASES: (560, 216, 180, 66),
    Place.FINISHED: (900, 204, 200, 90),
}
FILLS = {Place.LEASES: "#e3edfd", Place.FINISHED: "#e7f3ec", Place.BLOCKED: "#fdf3e3"}

PATHS: Mapping[tuple[Place, Place], tuple[str, float, float, str]] = {
    (Place.NOWHERE, Place.READY): ("M84 249H196", 140, 241, "middle"),
    (Place.NOWHERE, Place.DELAYED): ("M80 240C100 140 130 90 196 89", 112, 130, "end"),
    (Place.DELAYED, Place.READY): ("M270 122V212", 262, 172, "end"),
    (Place.READY, Place.BLOCKED): ("M270 282V372", 262, 332, "end"),
    (Place.BLOCKED, Place.READY): ("M310 376V286", 318, 332, "start"),
    (Place.READY, Place.LEASES): ("M380 236H556", 468, 229, "middle"),
    (Place.LEASES, Place.READY): ("M560 262H384", 468, 277, "middle"),
    (Place.LEASES, Place.DELAYED): ("M630 216C610 120 500 104 384 100", 560, 112, "start"),
    (Place.LEASES, Place.FINISHED): ("M740 249H896", 817, 241, "middle"),
    (Place.DELAYED, Place.FINISHED): ("M380 74C640 40 980 60 1010 200", 760, 58, "middle"),
    (Place.READY, Place.FINISHED): ("M380 276C460 360 820 370 930 298", 650, 359, "middle"),
    (Place.BLOCKED, Place.FINISHED): ("M380 412C640 452 980 440 1010 298", 760, 444, "middle"),
    (Place.FINISHED, Place.READY): ("M930 204C860 130 520 140 376 214", 790, 148, "middle"),
}
"""How each arrow goes, and where its words stand."""


def edges() -> dict[tuple[Place, Place], list[str]]:
    """The moves from one place to another, by their names."""
    found: dict[tuple[Place, Place], list[str]] = {}
    for move in MOVES.values():
        for leaves in move.leaves:
            found.setdefault((leaves, move.enters), []).append(move.name)
    return found


def states() -> str:
    """The picture."""
    title = "Where a job stands, and each move that there is"
    return page(title, 1120, 474, _parts())


def _parts() -> Iterator[str]:
    yield '<circle cx="72" cy="249" r="8" fill="#1f2328"/>'
    yield text(72, 276, "asked for", anchor="middle", quiet=True)
    for (leaves, enters), names in edges().items():
        path, x, y, anchor = PATHS[leaves, enters]
        yield arrow(path)
        yield text(x, y, ", ".join(names), anchor=anchor)
    for place, (x, y, width, height) in BOXES.items():
        shown = [", ".join(SHOWN_IN[place])]
        yield Box(x, y, width, height, place, shown, FILLS.get(place, "#f3f5f8")).drawn()
