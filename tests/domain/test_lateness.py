"""How far back looks go: whatever is committed late, one of them comes upon it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onbeat.domain.lateness import FAR, FAR_EVERY, Lateness

START = datetime(2030, 1, 1, tzinfo=UTC)
EVERY = timedelta(seconds=0.25)


@dataclass(frozen=True)
class Transaction:
    """One that takes the moment of its row, writes, and commits."""

    begins: timedelta
    takes: timedelta
    """From the moment under which its row lies to its commit."""


def seconds(low: float, high: float) -> st.SearchStrategy[timedelta]:
    return st.floats(low, high).map(lambda each: timedelta(seconds=each))


TRANSACTIONS = st.lists(
    st.builds(Transaction, seconds(0, 60), st.one_of(seconds(0, 3), seconds(0, 100))), max_size=6
)


@given(TRANSACTIONS, seconds(0.05, 3))
def test_every_row_is_read_soon_after_its_commit(
    transactions: list[Transaction], rest: timedelta
) -> None:
    looks = looked(transactions, rest, timedelta(seconds=180))

    for each in transactions:
        key, committed = START + each.begins, START + each.begins + each.takes
        read = [at for at, since in looks if at >= committed and since <= key]
        assert read
        assert min(read) - committed <= FAR_EVERY + 2 * rest


def looked(
    transactions: list[Transaction], rest: timedelta, until: timedelta
) -> list[tuple[datetime, datetime]]:
    """Looks with a rest between: when each was, and from when on it read."""
    lateness = Lateness.beginning(START, ())
    now, looks = START, []
    while now < START + until:
        now += rest
        running = {
            number
            for number, each in enumerate(transactions)
            if START + each.begins < now < START + each.begins + each.takes
        }
        looks.append((now, lateness.since(now, running)))
        lateness = lateness.after(now, running, has_news=True)
    return looks


@given(seconds(0, 10_000))
def test_where_one_alone_writes_what_it_held_up_is_read(held: timedelta) -> None:
    """Nothing is committed while it runs; its row lies right behind the last change before."""
    lateness = Lateness.beginning(START, None)
    begins = START + EVERY * 8
    now = START
    for _ in range(8):
        now += EVERY
        lateness = lateness.after(now, None, has_news=True)
    while now < begins + held:
        now += max(EVERY, held / 20)
        lateness = lateness.after(now, None, has_news=False)

    assert lateness.since(now + EVERY, None) <= begins


@pytest.mark.parametrize("running", [None, ()])
def test_where_all_is_quiet_and_fast_little_is_read_again(running: tuple[int, ...] | None) -> None:
    lateness = Lateness.beginning(START, running)
    floors = []
    for number in range(1, 100):
        now = START + EVERY * number
        floors.append(now - lateness.since(now, running))
        lateness = lateness.after(now, running, has_news=True)

    assert sorted(floors)[len(floors) // 2] < timedelta(seconds=3)
    assert max(floors) <= FAR + FAR_EVERY + EVERY


def test_a_place_is_complete_before_what_still_runs() -> None:
    lateness = Lateness.beginning(START, ())
    later = START + timedelta(minutes=1)
    lateness = lateness.after(later, {1}, has_news=True)
    lateness = lateness.after(START + timedelta(hours=1), {1}, has_news=True)

    assert lateness.complete_before <= START
