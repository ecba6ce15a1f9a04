"""The judge of ledgers: each kind of wrong row is found, and a right ledger is found right."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from onbeat import every
from tests import factories
from tests.simulation.book import Era
from tests.simulation.ledger_oracle import Entry, bounds, judge, over_after
from tests.timing import START

SECOND = timedelta(seconds=1)


def at(seconds: float) -> Entry:
    moment = START + seconds * SECOND
    return Entry(moment, moment, "ran")


def range_of(first: float, last: float, outcome: str = "missed") -> Entry:
    return Entry(START + first * SECOND, START + last * SECOND, outcome)


ERAS = [
    Era(every("10s"), START, START, START + 30 * SECOND, START + 30 * SECOND),
    Era(every("5s"), START + 30 * SECOND, START + 30 * SECOND, START + 30 * SECOND),
]
GOOD = [at(0), range_of(10, 20), at(30), at(35), range_of(40, 55), at(60)]


def promises(entries: list[Entry], eras: list[Era] | None = None) -> set[str]:
    now = START + 62 * SECOND
    return {found.promise for found in judge("s", eras or ERAS, entries, now, now)}


def test_a_ledger_without_holes_or_doubles_is_good() -> None:
    assert promises(GOOD) == set()


@pytest.mark.parametrize("gone", range(len(GOOD)))
def test_a_moment_that_is_missing_is_found(gone: int) -> None:
    left = GOOD[:gone] + GOOD[gone + 1 :]
    assert promises(left) == {"each moment of a schedule is on record"}


@pytest.mark.parametrize(
    ("entry", "promise"),
    [
        (at(15), "only moments of a schedule are on record"),
        (at(65), "only moments of a schedule are on record"),
        (at(-10), "only moments of a schedule are on record"),
        (at(20), "a moment is in one entry of the ledger"),
        (range_of(55, 60), "a moment is in one entry of the ledger"),
    ],
)
def test_an_entry_too_many_is_found(entry: Entry, promise: str) -> None:
    assert promise in promises([*GOOD, entry])


def test_a_range_with_a_job_is_found() -> None:
    ran = [*GOOD[:1], range_of(10, 20, "ran"), *GOOD[2:]]
    assert promises(ran) == {"an entry with a job is one moment"}


def test_what_lay_ahead_when_a_clock_was_set_back_may_be_on_record_or_not() -> None:
    before = Era(every("10s"), START, START, START + 50 * SECOND, START + 20 * SECOND)
    after = Era(every("10s"), START + 20 * SECOND, START + 50 * SECOND, START + 20 * SECOND)
    decided = [at(0), range_of(10, 40), at(50), at(60)]
    given_up = [at(0), at(10), at(50), at(60)]

    assert promises(decided, [before, after]) == set()
    assert promises(given_up, [before, after]) == set()


@pytest.mark.parametrize(
    ("policies", "promise"),
    [
        ({"end_at": START + 45 * SECOND}, "no moment comes after the end"),
        ({"limit": 3}, "a limit bounds the jobs that are made"),
        ({"end_at": START + 60 * SECOND, "limit": 5}, None),
    ],
)
def test_what_comes_after_the_end_or_beyond_the_limit_is_found(
    policies: dict[str, Any], promise: str | None
) -> None:
    found = {each.promise for each in bounds(factories.schedule(**policies), GOOD)}
    assert found == ({promise} if promise else set())


def test_nothing_is_expected_after_the_end_or_the_job_that_used_up_the_limit() -> None:
    ended = over_after(factories.schedule(end_at=START + 30 * SECOND), GOOD)
    used_up = over_after(factories.schedule(limit=2), GOOD)
    now = START + 62 * SECOND

    assert ended == used_up == START + 30 * SECOND
    assert list(judge("s", ERAS, GOOD[:3], now, now, ended)) == []
    assert list(judge("s", ERAS, GOOD[:2], now, now, ended)) != []
    assert over_after(factories.schedule(limit=9), GOOD) is None
