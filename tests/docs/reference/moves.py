"""docs/reference/states.md, from the table of moves."""

from __future__ import annotations

from collections.abc import Iterator

from onbeat.domain.states import MOVES, SHOWN_IN
from tests.docs.reference.rows import code, table


def moves() -> Iterator[str]:
    """The page."""
    yield "# States and moves of a job"
    yield ""
    yield (
        "A job stands in one place at a time; the state that people see is derived from it. "
        "What the words mean, with a picture: [Concepts](../concepts.md#where-a-job-stands)."
    )
    yield ""
    yield from table(
        "place", "states",
        rows=((code(place), ", ".join(map(code, shown))) for place, shown in SHOWN_IN.items()),
    )  # fmt: skip
    yield from table(
        "move", "from", "to", "then it is", "by", "means",
        rows=(
            (code(move.name), ", ".join(move.leaves), move.enters, code(move.state),
             ", ".join(move.who), move.meaning)
            for move in MOVES.values()
        ),
    )  # fmt: skip
