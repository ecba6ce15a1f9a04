"""What the client asks for beside plain jobs: jobs on conditions, workflows, cancels, other limits.

Of each it notes, as a line of JSON, when it asked, when it was answered, and what.
"""

from __future__ import annotations

import json
import os
import random
import time
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

from onbeat import Flow
from onbeat.app.calls import Call
from onbeat.domain.errors import OnbeatError, StoreError
from onbeat.domain.jobs import JobId, NewJob
from onbeat.store import replacing
from onbeat.store.store import Store
from tests.chaos import conditions as chaos
from tests.chaos.tasks import blink, ob, stroll

BY_CLIENT = "the client called it off"
KEYS = 4
FAN = 12
LARGE_FAN = 200
"""Jobs side by side in a workflow, and in one of so many."""

CALLED_OFF = (chaos.dawdle, chaos.dawdle_in_thread, chaos.dawdle_in_process)
"""What is called off one by one, and by its task."""


class Diary:
    """The client's second log: what it asked for and what it was answered."""

    def __init__(self, path: Path) -> None:
        """Write to `path`; a line is written at once."""
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)

    def write(self, what: str, **told: Any) -> None:
        """Add a line."""
        os.write(self._file, (json.dumps({"what": what, **told}) + "\n").encode())


def calls(luck: random.Random, size: int) -> list[tuple[Call[Any], str]]:
    """Calls of one kind, and the key of each: so they press on what they share."""
    keys = [f"k{luck.randrange(KEYS)}" for _ in range(size)]
    kinds = (_limited, _unique, _dependent)
    [kind] = luck.choices(kinds, (5, 5, 3))
    return kind(luck, keys)


def _limited(luck: random.Random, keys: list[str]) -> list[tuple[Call[Any], str]]:
    made = [
        [chaos.hold.bind(key) for key in keys],
        [chaos.share.bind() for _ in keys],
        [chaos.share_both.bind(key) for key in keys[:6]],
        [chaos.squeeze.bind() for _ in keys],
        [chaos.pace.bind() for _ in keys],
    ]
    [chosen] = luck.choices(made, (3, 3, 1, 3, 1))
    return [(call, "") for call in chosen]


def _unique(luck: random.Random, keys: list[str]) -> list[tuple[Call[Any], str]]:
    # The longest is longer than a job may take to begin, so that it surely waits for some of it.
    later = luck.choice([None, "300ms", "1s", "7s"])
    of_key = (chaos.latest, chaos.one_waits, chaos.newest_waits, chaos.seldom)
    chosen = luck.randrange(len(of_key) + 1)
    if chosen == len(of_key):
        failing = chaos.alone.opts(delay=later)
        return [(failing.bind(key, luck.randint(0, 2)), key) for key in keys]
    return [(of_key[chosen].opts(delay=later).bind(key), key) for key in keys]


def _dependent(luck: random.Random, keys: list[str]) -> list[tuple[Call[Any], str]]:
    if luck.random() < 0.6:
        return [(chaos.call_out.bind(), "") for _ in keys]
    by = datetime.now(UTC) + timedelta(seconds=luck.uniform(0.05, 2))
    timed = chaos.in_time.opts(start_by=by).bind(by.timestamp())
    return [(timed, "") for _ in keys]


async def enqueue(of: Store, wanted: list[NewJob]) -> dict[JobId, JobId]:
    """Store them as the application's own enqueue does, under ids that are known before."""
    if any(job.unique is not None and job.unique.replaces for job in wanted):
        return await of.write(partial(replacing.enqueue, wanted=wanted))
    return await of.enqueue_with_conditions(wanted)


class Wisher:
    """Does what else there is to do between two batches."""

    def __init__(self, diary: Diary, luck: random.Random) -> None:
        """Note in `diary`."""
        self._diary = diary
        self._luck = luck
        self._open: list[JobId] = []

    async def do_something(self) -> None:
        """One of them; what the store does not answer is noted as asked for."""
        deeds = (self._start_flow, self._call_off, self._call_all_off, self._set_limit)
        [deed] = self._luck.choices(deeds, (3, 6, 1, 2))
        await deed()

    async def _start_flow(self) -> None:
        flow = ob.workflow("chaos", on_failure=self._luck.choice(["continue", "end"]))
        edges = _chain(flow) if self._luck.random() < 0.5 else _fan(flow, self._luck)
        members = sorted({job for edge in edges for job in edge[:2]})
        told = {"id": flow.id, "members": members, "edges": edges}
        self._diary.write("flow", **told, is_accepted=False)
        try:
            await flow.start()
        except StoreError:
            return
        self._diary.write("flow", **told, is_accepted=True)

    async def _call_off(self) -> None:
        """One that was asked for just now, one that waits, or one that has been asked before."""
        began = time.monotonic()
        seconds = self._luck.uniform(2, 4)
        task = self._luck.choice(CALLED_OFF)
        later = self._luck.choice([None, None, "500ms"])
        job = task.opts(delay=later).bind(seconds).new_job((await ob.store()).new_id())
        self._diary.write("ask", job=job.id, task=job.task)
        try:
            await (await ob.store()).enqueue([job])
        except StoreError:
            return
        self._diary.write("asked", jobs={job.id: ""}, task=job.task, refused={}, began=began,
                          answered=time.monotonic())  # fmt: skip
        self._open = [*self._open[-5:], job.id]
        await self._cancel(self._luck.choice(self._open))

    async def _cancel(self, job: JobId) -> None:
        self._diary.write("cancel", job=job)
        try:
            state = await ob.jobs.cancel(job, BY_CLIENT)
        except OnbeatError:
            return
        self._diary.write("cancelled", job=job, state=str(state), answered=time.monotonic())

    async def _call_all_off(self) -> None:
        task = self._luck.choice(CALLED_OFF).name
        self._diary.write("cancel many", task=task)
        try:
            await ob.jobs.cancel_many(task=task, reason=BY_CLIENT)
        except StoreError:
            return

    async def _set_limit(self) -> None:
        name = self._luck.choice([chaos.SHARED.name, chaos.OF_QUEUE])
        most = self._luck.choice([1, 2, 4, 5])
        began = time.monotonic()
        self._diary.write("limit", name=name, most=most, at=began, is_set=False)
        try:
            await ob.limits.set(name, "chaos", concurrency=most)
        except StoreError:
            return
        self._diary.write("limit", name=name, most=most, at=time.monotonic(), is_set=True)


Edges = list[tuple[str, str, str]]


def _chain(flow: Flow) -> Edges:
    steps = flow.chain(blink.bind(), stroll.bind(), blink.bind(), blink.bind())
    return [(before.id, after.id, "success") for before, after in pairwise(steps)]


def _fan(flow: Flow, luck: random.Random) -> Edges:
    """Out and in again; at times with one that fails, and always one that goes on all the same."""
    first = flow.add(blink.bind())
    width = LARGE_FAN if luck.random() < 0.1 else FAN
    some = [
        flow.add(blink.bind() if luck.random() < 0.5 else stroll.bind(), after=first)
        for _ in range(width)
    ]
    if luck.random() < 0.4:
        some.append(flow.add(chaos.topple.bind(), after=first))
    last = flow.add(blink.bind(), after=some)
    tidied = flow.add(blink.bind(), after=some, on="end")
    return [
        *((first.id, each.id, "success") for each in some),
        *((each.id, last.id, "success") for each in some),
        *((each.id, tidied.id, "end") for each in some),
    ]
