"""Jobs that wait for parents: how many they wait for, as counted and as it is."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from sqlalchemy import ColumnElement, Connection, func, select

from onbeat.store.revivals import has_yet_to_count
from onbeat.store.schema import blocked, dependencies
from onbeat.store.verify.laws import MOST_OF_A_LAW, Breach, Law


def breaches(
    connection: Connection, scope: Callable[[Any], ColumnElement[bool]]
) -> Iterator[Breach]:
    """Jobs in `scope` that wait for other parents than those that have not ended, or for none."""
    left = (
        select(func.count())
        .select_from(dependencies)
        .where(dependencies.c.job == blocked.c.job, has_yet_to_count(dependencies.c.parent))
        .correlate(blocked)
        .scalar_subquery()
    )
    waiting = (
        select(blocked.c.job, blocked.c.parents, left.label("left"))
        .where(scope(blocked.c.job), blocked.c.parents.is_not(None))
        .subquery()
    )
    wrong = (waiting.c.parents != waiting.c.left) | (waiting.c.left == 0)
    query = select(waiting).where(wrong).order_by(waiting.c.job).limit(MOST_OF_A_LAW)
    for row in connection.execute(query):
        law = Law.WAITS_IN_VAIN if row.left == 0 else Law.PARENT_COUNT
        detail = f"counted {row.parents} parents that have not ended, there are {row.left}"
        yield Breach(law, row.job, detail)
