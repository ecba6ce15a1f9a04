"""What a crontab holds: entries, and what is to be said of the other lines."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from onbeat.domain.recurrence import Cron


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A line that runs a command."""

    line: int
    """Its number in the file, from 1."""
    when: str
    """Its time as it is written: five fields, or one word such as @daily."""
    recurrence: Cron | None
    """When it is due; None for @reboot, which is no moment of a calendar."""
    command: str
    stdin: str = ""
    """What followed the first bare %, a line for each further one."""
    user: str | None = None
    """Whom it runs as; None where the crontab has no such field."""
    variables: Mapping[str, str] = field(default_factory=dict, hash=False)
    """What the lines above it set, with the values that hold for this line."""
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Passed:
    """A line that becomes nothing, and why."""

    line: int
    reason: str
    is_bad: bool = True
    """Whether the line is wrong; one that would never fire is not, it is only left out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Remark:
    """Something worth knowing about a line that runs no command itself."""

    line: int
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Crontab:
    """A crontab as read: every line that says something is in exactly one of these."""

    entries: tuple[Entry, ...]
    passed: tuple[Passed, ...]
    remarks: tuple[Remark, ...]
    variables: tuple[tuple[int, str], ...]
    """Line and name of each variable that was set; their values may be secrets."""

    @property
    def bad(self) -> tuple[Passed, ...]:
        """The lines that are wrong."""
        return tuple(each for each in self.passed if each.is_bad)
