"""Live updates: what can be followed, who may follow it, and what is told of it.

A change says *what* changed, by id; whoever is told reads the rest where it is kept. It is told at
least once to who follows its topic, or that one is asked to read anew.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Final

import msgspec

from onbeat.domain.access import Permission, Principal
from onbeat.domain.errors import InvalidInput
from onbeat.domain.jobs import LONGEST_NAME, parse_job_id
from onbeat.domain.states import State

MOST_TOPICS = 50
"""How many a client may follow at once."""


class Follow(StrEnum):
    """What can be followed; those of one thing are given with a colon and its name or id."""

    JOBS = "jobs"
    JOB = "job"
    QUEUE = "queue"
    TASK = "task"
    SCHEDULE = "schedule"
    QUEUES = "queues"
    SCHEDULES = "schedules"
    WORKERS = "workers"
    AUDIT = "audit"


OF_ONE: Final = frozenset({Follow.JOB, Follow.QUEUE, Follow.TASK, Follow.SCHEDULE})
"""Topics of one thing each."""

NEEDED: Final[Mapping[Follow, Permission]] = {
    Follow.JOBS: Permission.JOBS_READ,
    Follow.JOB: Permission.JOBS_READ,
    Follow.QUEUE: Permission.JOBS_READ,
    Follow.TASK: Permission.JOBS_READ,
    Follow.SCHEDULE: Permission.SCHEDULES_READ,
    Follow.QUEUES: Permission.QUEUES_READ,
    Follow.SCHEDULES: Permission.SCHEDULES_READ,
    Follow.WORKERS: Permission.WORKERS_READ,
    Follow.AUDIT: Permission.AUDIT_READ,
}

EVERYBODYS: Final = frozenset({Follow.QUEUES, Follow.WORKERS, Follow.AUDIT})
"""Topics of what is nobody's own: not for those who see rows of their own alone."""


@dataclass(frozen=True, slots=True)
class Topic:
    """What somebody follows."""

    follow: Follow
    name: str = ""

    def __str__(self) -> str:
        """How it is written."""
        return f"{self.follow}:{self.name}" if self.name else str(self.follow)

    def is_for(self, asker: Principal) -> bool:
        """Whether `asker` may follow it; of what they may follow they are told their own alone."""
        is_theirs = asker.owner is None or self.follow not in EVERYBODYS
        return is_theirs and asker.may(NEEDED[self.follow])


def read_topic(text: str) -> Topic:
    """The topic that is written so. Raises InvalidInput."""
    head, colon, name = text.partition(":")
    try:
        follow = Follow(head)
    except ValueError:
        raise InvalidInput("topics", f"{text[:50]!r} is unknown; {_KNOWN}") from None
    if (follow in OF_ONE) != bool(colon):
        raise InvalidInput("topics", f"{text[:50]!r} is not complete; {_KNOWN}")
    if not colon:
        return Topic(follow)
    if follow is Follow.JOB:
        return Topic(follow, parse_job_id(name))
    if not 0 < len(name) <= LONGEST_NAME or not name.isprintable():
        raise InvalidInput("topics", f"{text[:50]!r} has no name of 1 to {LONGEST_NAME} characters")
    return Topic(follow, name)


_KNOWN = "give one of " + ", ".join(
    f"{each}:{'ID' if each is Follow.JOB else 'NAME'}" if each in OF_ONE else str(each)
    for each in Follow
)


class What(StrEnum):
    """What happened."""

    ASKED = "asked"
    BEGAN = "began"
    WAITS = "waits"
    """An attempt ended, and it waits for another."""
    ENDED = "ended"
    PROGRESS = "progress"
    LINE = "line"
    TOUCHED = "touched"
    """Jobs of it were asked for, began or ended."""
    CHANGED = "changed"
    """By hand, or it has come, drains or is gone."""


class Change(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """What is told of one thing that changed; fields that say nothing are left out."""

    kind: str
    """`job`, `queue`, `schedule`, `worker`, or `audit`."""
    id: str
    """Its id; of queues and schedules the name."""
    what: What
    state: State | None = None
    task: str | None = None
    queue: str | None = None
    schedule: str | None = None
    attempt: int | None = None
    progress: float | None = None
    note: str | None = None
    line: int | None = None
    at: datetime | None = None
    level: str | None = None
    message: str | None = None
    fields: msgspec.Raw | None = None
    subject_kind: str | None = None
    subject: str | None = None


@dataclass(slots=True)
class News:
    """A change, who may be told of it, and since when it may be known."""

    change: Change
    topics: tuple[str, ...]
    key: datetime
    """The moment under which its row lies; rows of one transaction may lie long before its end."""
    owner: str | None = None
    needs: Permission | None = None
    """What is needed to be told, besides what the topic needs."""
    is_resumable: bool = True
    """Whether a process that begins to read later finds it again."""
    _told: bytes = field(default=b"")

    @property
    def told(self) -> bytes:
        """The change as JSON, made once for all who are told."""
        if not self._told:
            self._told = _encode(self.change)
        return self._told


_encode = msgspec.json.Encoder().encode


def topics_of_job(job: str, task: str, queue: str) -> tuple[str, ...]:
    """The topics that a change of a job is of."""
    return ("jobs", f"job:{job}", f"queue:{queue}", f"task:{task}")


def allowed(topics: Iterable[Topic], asker: Principal) -> bool:
    """Whether `asker` may follow all of them."""
    return all(each.is_for(asker) for each in topics)
