"""What ties the jobs of a schedule to others once its task or its arguments are others.

Unique keys and slots of limits may be made of arguments. What somebody said of the schedule alone
(tags, an owner, a deadline of its own) stays.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from onbeat.app.calls import Call
from onbeat.domain.errors import InvalidInput, OnbeatError
from onbeat.domain.jobs import JobId
from onbeat.domain.schedules import Schedule
from onbeat.domain.ties import TieKind, encode_ties

Bind = Callable[[str, str], Call[Any]]
"""A task with its arguments, JSON, as a call."""

KEYS = tuple(f"{kind}:" for kind in (TieKind.UNIQUE, TieKind.WAITING, TieKind.WITHIN))


def ties_after(before: Schedule, now: Call[Any], bind: Bind) -> str | None:
    """The ties of its jobs from now on, as they stand in the book. Raises InvalidInput for a key
    that cannot be made anew.
    """
    is_same = now.definition.name == before.task
    # PostgreSQL spells JSON in a way of its own.
    if is_same and msgspec.json.decode(now.args) == msgspec.json.decode(before.args):
        return before.ties
    was = _call_before(before, bind)
    have: list[str] = [] if before.ties is None else msgspec.json.decode(before.ties)
    old, new = _ties_of(was), _ties_of(now)
    key = next((each for each in have if each.startswith(KEYS)), None)
    if key is not None:
        _refuse_unknown_key(key, was, old, now)
    if was is None:
        old = [each for each in have if each.startswith(KEYS)]
    gone = set(old) - set(new)
    kept = [each for each in have if each not in gone]
    # What its task says and it does not have was taken away by whoever made it.
    come = [each for each in new if each not in old] if gone <= set(have) else []
    return encode_ties(sorted([*kept, *come], key=lambda each: not each.startswith(KEYS)))


def _call_before(before: Schedule, bind: Bind) -> Call[Any] | None:
    """What its jobs ran; None where that is not known, or no longer takes its arguments."""
    try:
        call = bind(before.task, before.args)
    except OnbeatError:
        return None
    return None if call.definition.is_elsewhere else call


def _ties_of(call: Call[Any] | None) -> Sequence[str]:
    return () if call is None else call.new_job(JobId("")).ties


def _refuse_unknown_key(
    key: str, was: Call[Any] | None, old: Sequence[str], now: Call[Any]
) -> None:
    """Jobs with new arguments under the key of the old ones would be taken for their duplicates."""
    if now.definition.is_elsewhere:
        raise InvalidInput("args", "its jobs have a unique key, which is made of them where its "
                           "task is known; change it there, or start this with --app")  # fmt: skip
    if was is not None and key not in old:
        raise InvalidInput("args", "its jobs have a unique key that its task does not say; make "
                           "the schedule anew where that was said")  # fmt: skip
