"""Log lines read on for those who follow jobs: however many they follow, none is passed over."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

import pytest

from onbeat.domain.attempts import LogLine
from onbeat.domain.jobs import JobId
from onbeat.store import changes, history
from onbeat.store.changes import MOST_LINES, Line, Places
from onbeat.store.history import StoredLine
from onbeat.store.store import Store
from tests.timing import START

MANY = 1_200
"""More than SQLite takes as branches of one condition."""


async def write(store: Store, lines: Sequence[tuple[JobId, int, int]]) -> None:
    """A line for each job, token and number."""
    written = LogLine(at=START, level="info", message="charged")
    stored = [StoredLine(job, token, number, written) for job, token, number in lines]
    await store.write(partial(history.write_lines, lines=stored))


async def beyond(store: Store, known: Mapping[str, Places]) -> list[tuple[str, int, int]]:
    found: list[Line] = await store.read(partial(changes.lines_beyond, known=known))
    return [(line.job, line.token, line.number) for line in found]


async def test_lines_of_many_jobs_are_read_at_once(store: Store) -> None:
    jobs = sorted(store.ids.many(MANY))
    first, last = jobs[0], jobs[-1]
    await write(store, [(job, 1, number) for job in (first, last) for number in (0, 1)])

    found = await beyond(store, {job: {1: 0} for job in jobs})

    assert found == [(first, 1, 1), (last, 1, 1)]


async def test_lines_of_a_job_with_many_attempts_are_read_at_once(store: Store) -> None:
    job = store.new_id()
    known: dict[str, dict[int, int]] = {job: dict.fromkeys(range(MANY), 0)}
    await write(store, [(job, token, 1) for token in (0, MANY - 1, MANY, MANY + 1)])

    assert sorted(await beyond(store, known)) == [
        (job, token, 1) for token in (0, MANY - 1, MANY, MANY + 1)
    ]


@pytest.mark.parametrize("known", [{}, {1: 5}])
async def test_lines_of_many_jobs_are_read_so_many_at_a_time_and_none_twice(
    store: Store, known: Places
) -> None:
    jobs = sorted(store.ids.many(550))
    written = [(job, token, 6) for job in jobs for token in (1, 2)]
    await write(store, written)
    places: dict[str, dict[int, int]] = {job: dict(known) for job in jobs}

    looks = []
    while found := await beyond(store, places):
        looks.append(found)
        for job, token, number in found:
            places[job][token] = number

    assert sorted(each for look in looks for each in look) == written
    assert [len(look) for look in looks] == [MOST_LINES, 100]
