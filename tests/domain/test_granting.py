"""Giving out slots: what holds for every line of jobs, every limit and every course of time."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onbeat.domain.granting import Candidate, Slot, grant
from onbeat.domain.limits import Bounds

NAMES = ("a:", "b:x", "b:y", "queue/default:")

bounds = st.builds(
    Bounds,
    concurrency=st.none() | st.integers(1, 4),
    rate=st.none() | st.integers(1, 5),
    period=st.just(1_000_000),
    burst=st.none() | st.integers(1, 5),
)


@st.composite
def slots(draw: st.DrawFn) -> dict[str, Slot]:
    return {name: Slot(name, used=draw(st.integers(0, 3)), bounds=draw(bounds)) for name in NAMES}


needs = st.lists(st.sampled_from(NAMES[:3]), unique=True, max_size=3).map(tuple)
lines = st.lists(needs, max_size=12)


def candidates(line: list[tuple[str, ...]]) -> list[tuple[Candidate, tuple[str, ...]]]:
    return [
        (Candidate(f"{number:02}", "default", 5, number, None, None), each)
        for number, each in enumerate(line)
    ]


@given(lines, slots(), st.integers(0, 12))
def test_no_slot_is_held_by_more_than_its_limit_allows(
    line: list[tuple[str, ...]], found: dict[str, Slot], wanted: int
) -> None:
    before = {name: slot.used for name, slot in found.items()}

    granted = grant(candidates(line), found, now=0, wanted=wanted)

    assert len(granted.taken) <= wanted
    for name, slot in found.items():
        taken = sum(name in each.slots for each in granted.taken)
        assert slot.used == before[name] + taken
        most = slot.bounds.concurrency
        assert most is None or taken == 0 or slot.used <= most


@given(lines, slots())
def test_whoever_is_parked_lacks_the_slot_that_it_waits_for(
    line: list[tuple[str, ...]], found: dict[str, Slot]
) -> None:
    granted = grant(candidates(line), found, now=0, wanted=100)

    for each in granted.parked:
        assert not found[each.slot].lets(0)
    for name, slot in found.items():
        assert slot.waiting == sum(each.slot == name for each in granted.parked)


@given(lines, slots())
def test_nobody_who_could_begin_is_left_behind(
    line: list[tuple[str, ...]], found: dict[str, Slot]
) -> None:
    everybody = candidates(line)

    granted = grant(everybody, found, now=0, wanted=100)

    settled = {each.candidate.job for each in granted.taken}
    settled |= {each.candidate.job for each in granted.parked}
    assert settled == {candidate.job for candidate, _ in everybody}


@given(lines, slots())
def test_nobody_leaves_the_line_who_need_not_make_way(
    line: list[tuple[str, ...]], found: dict[str, Slot]
) -> None:
    granted = grant(candidates(line), found, now=0, wanted=100, make_way=False)

    assert granted.parked == []
    assert all(slot.waiting == 0 for slot in found.values())


@given(
    st.integers(1, 50), st.integers(1, 20), st.integers(1, 10),
    st.lists(st.integers(0, 700_000), min_size=1, max_size=60),
)  # fmt: skip
def test_in_any_time_no_more_begin_than_burst_and_rate_allow(
    rate: int, period: int, burst: int, pauses: list[int]
) -> None:
    """The bound of the generic cell rate algorithm, looked at between all pairs of beginnings."""
    micros = period * 100_000
    slot = Slot("a:", bounds=Bounds(rate=rate, period=micros, burst=burst))
    now, begun = 0, []
    for pause in pauses:
        now += pause
        while slot.room(now, 1):
            slot.take(now)
            begun.append(now)

    for first in range(len(begun)):
        for last in range(first, len(begun)):
            span = begun[last] - begun[first]
            assert last - first + 1 <= burst + span * rate / micros + 1e-9


@given(st.integers(1, 50), st.integers(1, 20), st.integers(1, 10))
def test_a_slot_that_is_used_as_soon_as_it_opens_reaches_its_rate(
    rate: int, period: int, burst: int
) -> None:
    micros = period * 100_000
    slot = Slot("a:", bounds=Bounds(rate=rate, period=micros, burst=burst))
    now = 0
    for _ in range(200):
        assert slot.lets(now)
        slot.take(now)
        now = max(now, slot.open_at)

    expected = (201 - burst) * micros / rate
    assert now == pytest.approx(max(expected, 0), abs=201)


def test_a_queue_without_room_keeps_its_jobs_in_line() -> None:
    found = {"queue/default:": Slot("queue/default:", used=1, bounds=Bounds(concurrency=1))}
    everybody = [
        (Candidate("1", "default", 5, 1, None, None), ("queue/default:",)),
        (Candidate("2", "mail", 5, 2, None, None), ()),
    ]

    granted = grant(everybody, found, now=0, wanted=10)

    assert [each.candidate.job for each in granted.taken] == ["2"]
    assert granted.parked == []


def test_who_waits_for_one_slot_and_lacks_another_waits_for_that() -> None:
    found = {
        "a:": Slot("a:", waiting=1, bounds=Bounds(concurrency=1)),
        "b:": Slot("b:", used=1, bounds=Bounds(concurrency=1)),
    }
    waits = Candidate("1", "default", 5, 1, None, "a:")

    granted = grant([(waits, ("a:", "b:"))], found, now=0, wanted=10)

    assert [(each.slot, each.candidate.job) for each in granted.parked] == [("b:", "1")]
    assert (found["a:"].waiting, found["b:"].waiting) == (0, 1)
