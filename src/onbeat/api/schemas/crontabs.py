"""Crontabs, as they are sent and what came of them."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from pydantic import Field

from onbeat.api.bodies import Answer, Body
from onbeat.api.schemas.time import Name, Word
from onbeat.app.crontab import LONGEST_LABEL, Change


class CrontabIn(Body):
    """A crontab, and how its lines are treated: unsaid, as cron does."""

    name: Annotated[str, Field(min_length=1, max_length=LONGEST_LABEL)] = Field(
        description="What the schedules' names begin with; the same one again is the same crontab.",
        examples=["backup"],
    )
    text: str = Field(max_length=2**20, examples=["0 3 * * * /usr/bin/backup\n"],
                      description="The crontab itself.")  # fmt: skip
    tz: Word = Field(description="Whose wall clock; cron's is its machine's.",
                     examples=["Europe/Paris"])  # fmt: skip
    user_field: bool = Field(
        False, description="Whether a user follows the time, as in /etc/crontab and cron.d."
    )
    host: Annotated[str, Field(min_length=1, max_length=200)] | None = Field(
        None,
        description="The machine whose crontab it is, where several bring in theirs: it is part of "
        "what tells one crontab from another, and its starts are those of @reboot.",
    )
    queue: Name = "default"
    priority: int = Field(5, ge=0, le=10)
    overlap: Word = Field("allow", description="While the last job goes on: allow or skip.")
    catch_up: Word = "none"
    timeout: Word | None = Field(None, description="End a command after so long.", examples=["1h"])
    paused: bool = Field(False, description="Pause those that are added.")
    prune: bool = Field(
        False, description="Remove schedules whose lines are gone, unless a line is wrong."
    )
    skip_wrong: bool = Field(
        False, description="Bring in what is right where a line is wrong; else nothing is then."
    )
    dry_run: bool = Field(False, description="Only say what would be made, changed and removed.")


class CrontabEntryOut(Answer):
    """A line that runs a command, and its schedule."""

    line: int = Field(description="Its number, from 1.")
    change: Change = Field(description="What becomes of the schedule, or would.")
    schedule: str = Field(description="Its name.")
    when: str = Field(description="Its time, as it is written.")
    description: str
    recurrence: dict[str, Any]
    next_due_at: datetime | None
    paused: bool
    user: str | None = Field(description="Whom it runs as.")
    command: str = Field(description="What is run, without passwords.")
    variables: list[str] = Field(description="Names of those that hold for it.")
    warnings: list[str]


class PassedOut(Answer):
    """A line that becomes nothing."""

    line: int = Field(description="Its number, from 1.")
    bad: bool = Field(description="Whether it is wrong; else it would never fire.")
    reason: str = Field(description="Which part of it, and what would be right.")


class RemarkOut(Answer):
    """What is worth knowing of a line."""

    line: int = Field(description="Its number, from 1.")
    text: str = Field(description="What.")


class VariableOut(Answer):
    """A variable that is set; its value may be a secret."""

    line: int = Field(description="Its number, from 1.")
    name: str


class CrontabOut(Answer):
    """What came of a crontab, or would."""

    name: str
    zone: str = Field(description="Whose wall clock.")
    user_field: bool = Field(description="Whether a user follows the time.")
    dry_run: bool = Field(description="Whether nothing was done.")
    entries: list[CrontabEntryOut] = Field(description="Lines that run a command.")
    passed: list[PassedOut] = Field(description="Lines that become nothing.")
    remarks: list[RemarkOut] = Field(description="Of other lines.")
    variables: list[VariableOut] = Field(description="Names alone.")
    gone: list[str] = Field(description="Schedules whose lines are there no more.")
    beside_paused: list[str] = Field(
        description="Added to run, while others of the crontab are paused."
    )
    pruned: bool = Field(description="Whether those that are gone were removed.")
