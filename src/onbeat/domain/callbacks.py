"""A target that takes a job's request and works on after its answer (202): it calls back. Pure.

    opened     the request is about to be sent, and may be called back for from now on
    accepted   the target has answered 202: the job waits, and no attempt is spent
    said       the target has called back: the job ends so when it looks next, which is at once

Who calls back has a URL of its own with each request. What is in it opens with ONBEAT_SECRET_KEY
alone, and names the job; nothing of it is stored.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from onbeat.domain.jobs import JobId

HEADER: Final = "Onbeat-Callback-Url"
"""The header of a request that says where to call back."""

PURPOSE: Final = "callback"
"""What the token of a URL is sealed for."""

PATH: Final = "/api/v1/callbacks/"

LONGEST: Final = timedelta(days=7)
LARGEST: Final = 64 * 1024
"""Bytes of JSON in what is said."""

LOOK_AFTER: Final = timedelta(seconds=5)
LOOK_AT_LEAST: Final = timedelta(minutes=10)
"""A job that waits looks so soon at first, and so often at least: what was said just as it began to
wait wakes nobody.
"""

SOONEST: Final = timedelta(milliseconds=100)
"""Between looks, where the clock of a worker is before that of the database."""

FORGOTTEN_AFTER: Final = timedelta(days=1)
"""How long after its time one is kept whose job has ended. Until then it stays: an attempt that
heard what was said, and died before that was stored, is made again, and hears the same.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Callback:
    """What a job waits for."""

    job: JobId
    accepted_at: datetime | None = None
    expires_at: datetime
    said_at: datetime | None = None
    is_done: bool | None = None
    """Whether the target has done it; None while it has not called back."""
    said: Any = None
    """With what: a result, or what went wrong."""


def path_of(sealed: str) -> str:
    """The path of the URL for a sealed token."""
    return PATH + sealed.translate(str.maketrans("+/", "-_"))


def sealed_in(token: str) -> str:
    """The sealed token in the last part of such a path."""
    return token.translate(str.maketrans("-_", "+/"))


def next_look(waiting: Callback, now: datetime) -> timedelta:
    """How long until the job looks again, unless it is woken: later the longer it has waited."""
    age = now - (waiting.accepted_at or now)
    look = min(max(age / 4, LOOK_AFTER), LOOK_AT_LEAST)
    return min(look, max(waiting.expires_at - now, SOONEST))
