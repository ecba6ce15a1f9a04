"""What may be done for a message."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from onbeat.domain.clocks import check_clock
from onbeat.domain.durations import read_duration
from onbeat.domain.errors import InvalidInput
from onbeat.domain.jobs import check_name, check_priority
from onbeat.domain.sources.messages import NAME, Field, kind_of


class Named(Protocol):
    """A task, as far as its name is needed."""

    @property
    def name(self) -> str:
        """The name its jobs carry."""
        ...


@dataclass(frozen=True, slots=True)
class Enqueue:
    """Ask for a job of a task; `args` are its arguments by name.

    Messages with the same `key` make one job `within` a time, however many come.
    """

    task: str | Named
    """The task, or its name."""
    args: Any = field(default_factory=dict)
    key: Any = None
    within: str = "24h"
    priority: int | None = None
    queue: str | None = None
    owner: Any = None

    def __post_init__(self) -> None:
        """Refuse what is wrong whatever comes."""
        task = self.task if isinstance(self.task, str) else getattr(self.task, "name", None)
        object.__setattr__(self, "task", check_name("task", task))  # type: ignore[arg-type] # it is checked
        _check_args(self.args)
        read_duration(self.within, "within")
        if self.priority is not None:
            check_priority(self.priority)
        if self.queue is not None:
            check_name("queue", self.queue)


@dataclass(frozen=True, slots=True)
class Advance:
    """Move a virtual clock `to` a moment, or `by` a duration; whatever becomes due is done.

    A moment is ISO 8601 with a zone, or seconds since 1970; a duration is a number of seconds, or
    text as "3h". A clock that stands there or later is left where it is. With `create` one that is
    not there is made, and stands at the moment.
    """

    clock: str
    to: Any = None
    by: Any = None
    create: bool = False

    def __post_init__(self) -> None:
        """Refuse what is wrong whatever comes."""
        if (self.to is None) == (self.by is None):
            raise InvalidInput("to", "say where the clock is moved: give either to or by")
        if self.create and self.to is None:
            raise InvalidInput("create", "a clock cannot be made by a duration; give to")
        check_clock(NAME.sub("x", self.clock))


@dataclass(frozen=True, slots=True)
class Trigger:
    """Make one job of a schedule now, with `args` in place of its own where they are given."""

    schedule: str
    args: Any = None

    def __post_init__(self) -> None:
        """Refuse what is wrong whatever comes."""
        check_name("schedule", self.schedule)
        if self.args is not None:
            _check_args(self.args)


@dataclass(frozen=True, slots=True)
class Pause:
    """Let a schedule make no jobs until it is resumed, or `until` a moment."""

    schedule: str
    why: Any = None
    until: Any = None

    def __post_init__(self) -> None:
        """Refuse what is wrong whatever comes."""
        check_name("schedule", self.schedule)


@dataclass(frozen=True, slots=True)
class Resume:
    """Let a schedule that is paused go on."""

    schedule: str

    def __post_init__(self) -> None:
        """Refuse what is wrong whatever comes."""
        check_name("schedule", self.schedule)


Action = Enqueue | Advance | Trigger | Pause | Resume
"""What is done for a message. Texts may have named parts of its channel in them, as `{id}`."""


def _check_args(args: Any) -> None:
    if not isinstance(args, Mapping | Field):
        raise InvalidInput(
            "args", f"{kind_of(args)} is no arguments by name; give a dict, or a field"
        )
