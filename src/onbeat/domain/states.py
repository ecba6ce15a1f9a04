"""THE job states and the moves between them, as one table.

Where a job stands is which one small table holds it (`Place`); the state people see is derived
from the place. Whoever deletes the row from the place it leaves makes the move; everybody else
finds no row. Docs, the contract suite and the CLI's colours are made from this table.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class State(StrEnum):
    """What people see of a job."""

    SCHEDULED = "scheduled"
    PENDING = "pending"
    BLOCKED = "blocked"
    RUNNING = "running"
    RETRYING = "retrying"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def is_final(self) -> bool:
        """Whether a job in this state will not run again unless it is revived."""
        return self in FINAL_STATES


FINAL_STATES = frozenset({State.COMPLETED, State.FAILED, State.CANCELLED})


class Place(StrEnum):
    """The table that holds a job."""

    NOWHERE = "nowhere"
    DELAYED = "delayed"
    READY = "ready"
    BLOCKED = "blocked"
    LEASES = "leases"
    FINISHED = "finished"


SHOWN_IN: dict[Place, tuple[State, ...]] = {
    Place.DELAYED: (State.SCHEDULED, State.RETRYING),
    Place.READY: (State.PENDING,),
    Place.BLOCKED: (State.BLOCKED,),
    Place.LEASES: (State.RUNNING,),
    Place.FINISHED: (State.COMPLETED, State.FAILED, State.CANCELLED),
}
"""Which states a job in a place can be in."""


class Who(StrEnum):
    """Who may make a move."""

    CALLER = "caller"
    SCHEDULER = "scheduler"
    WORKER = "worker"
    RESCUER = "rescuer"
    OPERATOR = "operator"


@dataclass(frozen=True, slots=True)
class Move:
    """One legal step of a job: out of any of `leaves`, into `enters`, shown as `state`."""

    name: str
    leaves: tuple[Place, ...]
    enters: Place
    state: State
    who: tuple[Who, ...]
    meaning: str


WAITING = (Place.DELAYED, Place.READY, Place.BLOCKED)

MOVES: dict[str, Move] = {
    move.name: move
    for move in (
        Move("enqueue", (Place.NOWHERE,), Place.READY, State.PENDING,
             (Who.CALLER, Who.SCHEDULER), "asked for, to run as soon as a slot is free"),
        Move("delay", (Place.NOWHERE,), Place.DELAYED, State.SCHEDULED,
             (Who.CALLER, Who.SCHEDULER), "asked for, to run at a later moment"),
        Move("promote", (Place.DELAYED,), Place.READY, State.PENDING,
             (Who.SCHEDULER, Who.OPERATOR), "its moment has come"),
        Move("block", (Place.READY,), Place.BLOCKED, State.BLOCKED,
             (Who.SCHEDULER, Who.OPERATOR), "something named holds it"),
        Move("unblock", (Place.BLOCKED,), Place.READY, State.PENDING,
             (Who.SCHEDULER, Who.OPERATOR), "what held it has let go"),
        Move("claim", (Place.READY,), Place.LEASES, State.RUNNING,
             (Who.WORKER,), "a worker holds it, fenced by a token"),
        Move("complete", (Place.LEASES,), Place.FINISHED, State.COMPLETED,
             (Who.WORKER,), "its attempt succeeded"),
        Move("retry", (Place.LEASES,), Place.DELAYED, State.RETRYING,
             (Who.WORKER, Who.RESCUER), "its attempt failed and another is allowed"),
        Move("snooze", (Place.LEASES,), Place.DELAYED, State.SCHEDULED,
             (Who.WORKER,), "it asked to be run later; the attempt does not count"),
        Move("release", (Place.LEASES,), Place.READY, State.PENDING,
             (Who.WORKER, Who.RESCUER), "given back unfinished; the attempt does not count"),
        Move("bury", (Place.LEASES,), Place.FINISHED, State.FAILED,
             (Who.WORKER, Who.RESCUER), "its attempt failed and no other is allowed"),
        Move("stop", (Place.LEASES,), Place.FINISHED, State.CANCELLED,
             (Who.WORKER, Who.RESCUER), "it was asked to stop while it ran"),
        Move("cancel", WAITING, Place.FINISHED, State.CANCELLED,
             (Who.OPERATOR, Who.CALLER), "called off before it ran"),
        Move("revive", (Place.FINISHED,), Place.READY, State.PENDING,
             (Who.OPERATOR,), "run again by hand, with its attempts counted from one"),
    )
}  # fmt: skip
"""Every legal move, by name."""


def moves_from(place: Place) -> tuple[Move, ...]:
    """All moves that may be made with a job that stands in `place`."""
    return tuple(move for move in MOVES.values() if place in move.leaves)
