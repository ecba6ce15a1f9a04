"""What was asked of the database, written down in the moment it was committed.

Whoever asks may never hear of it; what was committed is what the ledger is held to.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime

from onbeat.domain.jobs import JobId
from onbeat.domain.recurrence import Recurrence
from onbeat.domain.schedules import Overlap, Schedule
from tests.chaos.history import Answer


@dataclass
class Era:
    """A stretch of a schedule's life in which it had one recurrence; moments of its own clock."""

    recurrence: Recurrence
    begin: datetime
    required_from: datetime
    """Moments before were the era's before: they may be on record, or have been given up."""
    high: datetime
    """The latest that it has been in this era."""
    end: datetime | None = None
    """When another recurrence took its place; None when none has."""


@dataclass(frozen=True)
class Skips:
    """How a schedule stood when somebody asked for moments to be left out, or in the end."""

    made: int
    """How many jobs it has made."""
    left_out: int
    """How many moments are on record as left out."""
    open: int
    """How many were still to be left out."""
    asked: int
    """How many are from now on."""


@dataclass
class Asked:
    """All that was asked for in a run."""

    eras: dict[str, list[Era]] = field(default_factory=dict)
    """Those of each schedule that has a grid, by its id."""
    schedules: dict[str, Schedule] = field(default_factory=dict)
    """By id, as they were first made."""
    overlaps: dict[str, set[str]] = field(default_factory=dict)
    """All policies that each schedule has had."""
    answers: dict[str, Answer] = field(default_factory=dict)
    called_off: set[JobId] = field(default_factory=set)
    """Jobs somebody wanted to be stopped."""
    revived: dict[str, int] = field(default_factory=dict)
    """Jobs that ended and were run again, with the token of the last attempt of before."""
    run_again: set[JobId] = field(default_factory=set)
    """The same, where that was not refused."""
    set_back: list[int] = field(default_factory=list)
    """The last tokens given out when the database's clock was set back."""
    resumed: dict[str, list[tuple[int, bool]]] = field(default_factory=dict)
    """When schedules that pause themselves were resumed: how many jobs each had made by then, and
    whether it had paused itself."""
    skips: dict[str, list[Skips]] = field(default_factory=dict)
    """Of each schedule of which moments were to be left out."""

    @property
    def self_pausing(self) -> list[Schedule]:
        """Those that pause themselves after failures."""
        return [each for each in self.schedules.values() if each.pause_after is not None]

    def created(self, schedule: Schedule, time: datetime) -> None:
        """A schedule was made when it was `time` by its clock."""
        self.schedules[schedule.id] = schedule
        self.overlaps[schedule.id] = {schedule.overlap}
        if schedule.recurrence.after_finish is None:
            self.eras[schedule.id] = [Era(schedule.recurrence, time, time, time)]

    def changed(self, identity: str, recurrence: Recurrence, time: datetime) -> None:
        """A schedule was given another recurrence."""
        before = self.eras[identity][-1]
        before.end = time
        before.high = max(before.high, time)
        highest = max(era.high for era in self.eras[identity])
        self.eras[identity].append(Era(recurrence, time, highest, time))

    def admitted(self, identity: str, overlap: str) -> None:
        """A schedule's jobs may from now on run side by side, or not."""
        self.overlaps[identity].add(overlap)

    def never_beside(self) -> Iterator[str]:
        """Schedules that never allowed a job to run beside another."""
        for identity, overlaps in self.overlaps.items():
            if Overlap.ALLOW not in overlaps:
                yield identity

    def passed(self, time: datetime) -> None:
        """It has been `time` by the database's clock, which is now set."""
        for identity, eras in self.eras.items():
            if self.schedules[identity].clock is None:
                eras[-1].high = max(eras[-1].high, time)

    def heard(self, job: JobId, answer: Answer) -> None:
        """Whoever asked for a job was told so."""
        if answer is Answer.ACCEPTED:
            self.answers[job] = answer
        else:
            self.answers.setdefault(job, answer)
