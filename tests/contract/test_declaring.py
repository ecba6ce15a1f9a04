"""Processes of one application that start at once declare the same, and none of them fails."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial

import pytest
from sqlalchemy import Connection

from onbeat.domain.breakers import Rule
from onbeat.domain.limits import Bounds, queue_limit
from onbeat.domain.regions import Regions
from onbeat.domain.retention import Keep, Subject
from onbeat.store import breakers, limits, regions, retention, tasks
from onbeat.store.store import Store
from onbeat.store.tasks import KnownTask

AT_ONCE = 8
RULE = Rule(3, timedelta(seconds=30), 1)
BOUNDS = {"calls": Bounds(concurrency=1), queue_limit("mail"): Bounds(concurrency=2)}
KEPT = {Subject("task", "send"): Keep(completed=10).rule}

DECLARATIONS: dict[str, Callable[[Connection, datetime], object]] = {
    "limits": partial(limits.declare, wanted=BOUNDS, by="code:app"),
    "breakers": partial(breakers.declare, wanted={"stripe": RULE}, by="code:app"),
    "retention": partial(retention.declare, wanted=KEPT, by="code:app"),
    "regions": partial(regions.declare, wanted=Regions({"us": "us", "eu": "eu"}), source="app"),
    "tasks": partial(tasks.tell, known=[KnownTask("send")]),
}


@pytest.mark.parametrize("what", DECLARATIONS)
async def test_those_that_start_at_once_declare_the_same(store: Store, what: str) -> None:
    await asyncio.gather(*(store.write(DECLARATIONS[what]) for _ in range(AT_ONCE)))
