"""Schedules of users: how each user's are called, and the tasks and queues they go through. Pure.

A user is an owner who makes schedules by the API. When one made by `POST /jobs/schedule` is due,
its job in `schedQueue` makes the user's job in `jobQueue`.
"""

from __future__ import annotations

import hashlib

from onbeat.domain.jobs import JobId, drawn_id

BUILT_IN = "onbeat."
"""How tasks of the product's own are called: who could ask for them could have anything signed, or
done in the name of anybody.
"""

TASK = "onbeat.fire"
"""The name of the built-in task that makes the user's job."""
QUEUE = "schedQueue"
JOBS = "jobQueue"

LONGEST_TASK = 100
"""Characters in the name of a task for users, which is part of the names of their schedules."""

MOST_SCHEDULES = 1_000
"""How many schedules an owner may have who makes them alone: more than people make, and few enough
that a program of one user's that makes them over and over fills neither the database nor the ticks.
"""

_LONGEST_WORD = 64
_ESCAPED = str.maketrans({each: f"%{ord(each):02X}" for each in "%:/ "})

FILLED_IN = ("userId", "user_id")
"""What a task for users calls the argument that says whose the job is."""


def head_of(owner: str) -> str:
    """How the names of an owner's schedules begin: no two owners' begin alike."""
    word = owner.translate(_ESCAPED)
    if len(word) > _LONGEST_WORD:
        word = hashlib.sha256(owner.encode()).hexdigest()[:32]
    return f"{word}:"


def own_name(owner: str, name: str) -> str:
    """The name of an owner's schedule, which may be given without its head."""
    head = head_of(owner)
    return name if name.startswith(head) else head + name


def schedule_name(owner: str, task: str, identity: str) -> str:
    """The name of a schedule of its own: user, task, and its id, which begins with the moment it
    was made at.
    """
    return f"{head_of(owner)}{task}:{identity}"


def fired_id(firing: JobId) -> JobId:
    """The id of the job that a firing makes: fired again, it makes no other."""
    digest = hashlib.sha256(f"fired by {firing}".encode()).hexdigest()
    return drawn_id(int(firing[:12], 16), digest)
