"""What owners have of their own, cold."""

from __future__ import annotations

from sqlalchemy import Connection, func, select

from onbeat.domain.errors import Conflict
from onbeat.domain.user_schedules import MOST_SCHEDULES
from onbeat.store.declaring import be_alone
from onbeat.store.schema import schedules


def refuse_more(connection: Connection, owner: str, more: int = 1) -> None:
    """Raise Conflict where the owner would have more schedules than one may have; others who make
    one for them meanwhile wait.
    """
    be_alone(connection, f"schedules of {owner}")
    theirs = (
        select(schedules.c.id)
        .where(schedules.c.owner == owner, schedules.c.retired_at.is_(None))
        .limit(MOST_SCHEDULES)
        .subquery()
    )
    found = connection.scalar(select(func.count()).select_from(theirs)) or 0
    if found + more > MOST_SCHEDULES:
        raise Conflict(f"{owner!r} has {found:,} schedules, and no owner may have more than "
                       f"{MOST_SCHEDULES:,}; remove some of them first")  # fmt: skip
