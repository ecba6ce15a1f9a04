"""Commands on retention."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import partial
from typing import Literal

from sqlalchemy import Connection

from onbeat.app.context import Context
from onbeat.app.looking import compared, has_changed
from onbeat.domain.errors import InvalidInput
from onbeat.domain.retention import Keep, Rule, RuleState, Subject, parse_subject
from onbeat.store import retention as stored

KeepChange = Keep | Literal[False] | None
"""What is kept of a schedule's ended jobs from now on: None leaves that as it is, False takes away
what was set by hand.
"""


class Retention:
    """`ob.retention`: what is kept of whose ended jobs; "task/NAME", "queue/NAME" and
    "schedule/NAME" say whose.
    """

    def __init__(self, context: Context) -> None:
        """Made by the application."""
        self._context = context
        self._declared: dict[Subject, Rule] = {}

    def declare(self, scope: str, name: str, keep: Keep | None) -> None:
        """Keep so much, as code says; brought into the store when a process starts."""
        if keep is None:
            return
        if not isinstance(keep, Keep):
            raise InvalidInput("keep", f"{keep!r} is not a Keep; give Keep(completed=100)")
        self._declared[Subject(scope, name)] = keep.rule

    async def reconcile(self) -> None:
        """Bring what the code says into the store."""
        by = f"code:{self._context.name}"
        await self._context.write(partial(stored.declare, wanted=self._declared, by=by))

    async def list(self) -> Sequence[RuleState]:
        """All rules."""
        return await self._context.read(stored.list_rules)

    async def set(self, subject: str, keep: Keep, by: str) -> RuleState:
        """Keep so much from now on; a deploy does not undo it. What is so already, set by hand,
        changes nothing. Raises InvalidInput.
        """
        whose = parse_subject(subject)
        work = partial(stored.set_rule, subject=whose, rule=keep.rule, by=by)
        rule, _ = await self._context.change(
            "retention.set", ("retention", str(whose)),
            compared(partial(stored.find, subject=whose), work), is_change=has_changed,
        )  # fmt: skip
        return rule

    async def find(self, subject: str) -> RuleState | None:
        """The rule of a subject; None where it has none of its own. Raises InvalidInput."""
        return await self._context.read(partial(stored.find, subject=parse_subject(subject)))

    async def is_known(self, subject: str) -> bool:
        """Whether the database, or the code, has anything that it is about. Raises InvalidInput."""
        return await self._context.read(partial(stored.is_known, subject=parse_subject(subject)))

    async def remove(self, subject: str, by: str) -> RuleState | None:
        """Take away what was set by hand; what code says holds again, and is returned.

        Raises NotFound, InvalidInput.
        """
        whose = parse_subject(subject)
        work = partial(stored.remove, subject=whose, by=by)
        return await self._context.change("retention.remove", ("retention", str(whose)), work)


def keep_so(connection: Connection, now: datetime, name: str, keep: KeepChange, by: str) -> bool:
    """Keep so much of the schedule's ended jobs; whether that is other than before."""
    subject = Subject("schedule", name)
    if keep:
        before = stored.find(connection, now, subject)
        return stored.set_rule(connection, now, subject, keep.rule, by) != before
    if keep is False and stored.is_by_hand(connection, now, subject):
        stored.remove(connection, now, subject, by)
        return True
    return False
