"""How many workers a queue needs: enough for what waits and runs, and never more than that."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onbeat.domain.errors import InvalidInput
from onbeat.domain.loads import SLOTS, WITHIN, load_of, read_within
from onbeat.domain.queues import Queue
from onbeat.domain.workers import Session

SECOND = timedelta(seconds=1)


def session(number: int = 1, **said: object) -> Session:
    """A worker of ten slots that serves the queue `q`."""
    values: dict[str, object] = {"id": str(number), "instance": "i", "host": "h", "pid": number,
                                 "version": "1", "queues": ("q",), "slots": 10}  # fmt: skip
    return Session(**(values | said))  # type: ignore[arg-type]


def test_what_waits_is_spread_over_the_time_it_may_take() -> None:
    found = load_of(Queue(name="q", pending=600), [session()], SECOND, WITHIN)

    assert (found.needed_slots, found.needed_workers) == (10, 1)


def test_what_runs_keeps_its_slots() -> None:
    found = load_of(Queue(name="q", pending=600, running=10), [session()], SECOND, WITHIN)

    assert (found.needed_slots, found.needed_workers) == (20, 2)


def test_an_idle_queue_needs_nobody() -> None:
    found = load_of(Queue(name="q"), [session()], SECOND, WITHIN)

    assert (found.needed_slots, found.needed_workers) == (0, 0)


def test_a_single_job_needs_one_worker_however_short_it_is() -> None:
    found = load_of(Queue(name="q", pending=1), [], timedelta(microseconds=1), WITHIN)

    assert (found.needed_slots, found.needed_workers) == (1, 1)


def test_no_more_slots_are_needed_than_there_are_jobs() -> None:
    found = load_of(Queue(name="q", pending=3), [], timedelta(hours=1), WITHIN)

    assert found.needed_slots == 3


def test_a_paused_queue_needs_what_runs_and_no_more() -> None:
    paused = Queue(name="q", pending=100, running=2, paused_at=datetime(2030, 1, 1, tzinfo=UTC))

    assert load_of(paused, [session()], SECOND, WITHIN).needed_slots == 2


def test_where_nothing_tells_how_long_jobs_take_one_worker_more_is_needed_at_a_time() -> None:
    queue = Queue(name="q", pending=5_000)

    none = load_of(queue, [], None, WITHIN)
    two = load_of(queue, [session(1), session(2)], None, WITHIN)

    assert (none.needed_workers, none.needed_slots) == (1, SLOTS)
    assert two.needed_workers == 3


def test_workers_that_drain_are_paused_or_serve_others_do_not_count() -> None:
    others = [session(1, draining=True), session(2, paused=True), session(3, queues=("other",))]

    found = load_of(Queue(name="q", pending=1), [*others, session(4, slots=3)], SECOND, WITHIN)

    assert (found.workers, found.slots) == (1, 3)


@given(
    pending=st.integers(0, 10_000),
    running=st.integers(0, 10_000),
    mean=st.integers(1, 10**10).map(lambda micros: timedelta(microseconds=micros)),
    slots=st.lists(st.integers(1, 200), max_size=5),
)
def test_the_workers_needed_have_the_slots_needed_and_not_one_worker_more(
    pending: int, running: int, mean: timedelta, slots: list[int]
) -> None:
    sessions = [session(number, slots=each) for number, each in enumerate(slots)]

    found = load_of(Queue(name="q", pending=pending, running=running), sessions, mean, WITHIN)

    each_has = sorted(slots)[(len(slots) - 1) // 2] if slots else SLOTS
    assert running <= found.needed_slots <= running + pending
    assert found.needed_workers * each_has >= found.needed_slots
    assert found.needed_slots == 0 or (found.needed_workers - 1) * each_has < found.needed_slots


@pytest.mark.parametrize("within", [timedelta(), timedelta(milliseconds=999), timedelta(days=2)])
def test_a_time_out_of_range_is_refused(within: timedelta) -> None:
    with pytest.raises(InvalidInput, match="within"):
        read_within(within)
