"""Limits that a call alone names: what they allow is brought into the store before its job is."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import TYPE_CHECKING, Any

from onbeat.domain.errors import InvalidInput
from onbeat.domain.limits import Limit
from onbeat.store import limits as stored

if TYPE_CHECKING:
    from onbeat.app.calls import Call
    from onbeat.app.context import Context


def _not_known(context: Context, calls: Iterable[Call[Any]]) -> list[Limit]:
    """Those of the calls' own limits that are not known to be in the store yet."""
    return [
        limit
        for call in calls
        for limit in call.options.limits or ()
        if (context.url, limit.name, limit.bounds) not in context.known_limits
    ]


def note_limits(context: Context, calls: Iterable[Call[Any]]) -> list[Limit]:
    """Let this application declare those that are not known to be in the store yet; which.

    Raises InvalidTask for one that is declared and says something else.
    """
    new = _not_known(context, calls)
    for limit in new:
        context.registry.note_limits([limit])
    return new


async def make_limits_known(context: Context, calls: Iterable[Call[Any]]) -> None:
    """Bring the calls' own limits into the store. Raises InvalidTask as `note_limits` does."""
    if not (new := note_limits(context, calls)):
        return
    wanted = {limit.name: limit.bounds for limit in new}
    await context.write(partial(stored.declare, wanted=wanted, by=f"code:{context.name}"))
    context.known_limits |= {(context.url, *each) for each in wanted.items()}


def refuse_new_limits(context: Context, calls: Iterable[Call[Any]]) -> None:
    """Raise InvalidInput for a limit that would have to be stored within somebody's transaction."""
    declared = context.registry.task_limits()
    new = _not_known(context, calls)
    for limit in new:
        if limit.name not in declared:
            raise InvalidInput(
                "limits", f"limit {limit.name!r} is named by this call alone, and cannot be made "
                "known within a transaction of yours; give it to a task too, or enqueue without",
            )  # fmt: skip
        context.registry.note_limits([limit])
