"""What is shown in which colour: one table for the states of jobs, by what a reader must do."""

from __future__ import annotations

from rich.text import Text

from onbeat.domain.schedules import OccurrenceOutcome
from onbeat.domain.states import State

GOOD, BAD, WARNING, ACTIVE, QUIET, HEADING = (
    "green", "bold red", "yellow", "cyan", "dim", "bold",
)  # fmt: skip

STATES: dict[State, str] = {
    State.SCHEDULED: "blue",
    State.PENDING: "",
    State.BLOCKED: "magenta",
    State.RUNNING: ACTIVE,
    State.RETRYING: WARNING,
    State.COMPLETED: GOOD,
    State.FAILED: BAD,
    State.CANCELLED: QUIET,
}

OUTCOMES: dict[str, str] = {
    "succeeded": GOOD,
    "failed": BAD,
    "timed out": BAD,
    "lost": BAD,
    "snoozed": "blue",
    "cancelled": QUIET,
    "interrupted": WARNING,
}

OCCURRENCES: dict[OccurrenceOutcome, str] = {
    OccurrenceOutcome.RAN: GOOD,
    OccurrenceOutcome.LATE: WARNING,
    OccurrenceOutcome.COALESCED: QUIET,
    OccurrenceOutcome.SKIPPED: WARNING,
    OccurrenceOutcome.MISSED: BAD,
    OccurrenceOutcome.UNDECIDED: QUIET,
}

LOG_LEVELS = {"debug": QUIET, "warning": WARNING, "error": BAD, "critical": BAD}


def of_state(state: State) -> Text:
    """The state in its colour."""
    return Text(state, STATES[state])
