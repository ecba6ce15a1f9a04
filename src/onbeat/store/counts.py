"""How many jobs are in each state, counted no farther than to a bound."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, Subquery, case, func, literal, select, union_all

from onbeat.domain.states import FINAL_STATES, State
from onbeat.store.job_rows import PLACES, place_of
from onbeat.store.schema import delayed, finished

MOST_COUNTED = 10_000


@dataclass(frozen=True, slots=True)
class Count:
    """How many there are: just so many, or at least."""

    number: int
    is_exact: bool

    def __str__(self) -> str:
        return f"{self.number:,}" if self.is_exact else f"at least {self.number:,}"


def by_state(
    connection: Connection, now: datetime, *, most: int = MOST_COUNTED
) -> dict[State, Count]:
    """How many jobs are in each state, in one statement; of each place no more than `most` are
    looked at.
    """
    rows = connection.execute(union_all(*(_counted(state, most) for state in State)))
    numbers = {State(row.state): row.number for row in rows}
    waiting = sum(numbers[state] for state in WAITING)
    return {
        state: Count(min(number, most), (waiting if state in WAITING else number) <= most)
        for state, number in numbers.items()
    }


WAITING = (State.SCHEDULED, State.RETRYING)
"""They stand in one place, and only a look at the row tells them apart."""


def _counted(state: State, most: int) -> Select[Any]:
    if state in WAITING:
        some = select(delayed.c.attempt).limit(most + 1).subquery()
        attempt = some.c.attempt
        is_it = attempt == 0 if state is State.SCHEDULED else attempt > 0
        return _told(state, func.count(case((is_it, 1))), some)
    some_of_it = select(literal(1)).select_from(PLACES[place_of(state)])
    if state in FINAL_STATES:
        some_of_it = some_of_it.where(finished.c.outcome == state)
    return _told(state, func.count(), some_of_it.limit(most + 1).subquery())


def _told(state: State, number: Any, some: Subquery) -> Select[Any]:
    return select(literal(str(state)).label("state"), number.label("number")).select_from(some)
