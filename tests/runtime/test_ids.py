"""Ids are UUIDv7 (RFC 9562 §5.7) and grow within one process."""

from __future__ import annotations

import random
import uuid
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from onbeat.store.opening import open_store
from onbeat.timing import Ids
from tests.timing import START, ManualTiming


def test_an_id_is_a_uuid_of_version_7_and_the_rfcs_variant() -> None:
    made = uuid.UUID(Ids(ManualTiming()).one())

    assert (made.version, made.variant) == (7, uuid.RFC_4122)


def test_an_id_carries_its_milliseconds() -> None:
    made = Ids(ManualTiming()).one()

    assert int(made[:12], 16) == int(START.timestamp() * 1000)


def test_an_id_is_32_hexadecimal_digits() -> None:
    assert all(len(each) == 32 and int(each, 16) for each in Ids(ManualTiming()).many(100))


@given(
    st.lists(st.tuples(st.integers(1, 5_000), st.integers(-5_000, 5_000)), min_size=2, max_size=20)
)
def test_ids_grow_whatever_the_clock_does(batches: list[tuple[int, int]]) -> None:
    timing = ManualTiming()
    ids = Ids(timing)
    made = []
    for count, milliseconds in batches:
        made += ids.many(count)
        timing.set(timing.now() + timedelta(milliseconds=milliseconds))

    assert made == sorted(set(made))


def test_a_given_source_of_randomness_makes_the_same_ids_again() -> None:
    first = Ids(ManualTiming(), random.Random(7)).many(3)
    second = Ids(ManualTiming(), random.Random(7)).many(3)

    assert first == second


def test_two_processes_do_not_make_the_same_ids() -> None:
    first, second = Ids(ManualTiming()).many(1_000), Ids(ManualTiming()).many(1_000)

    assert set(first).isdisjoint(second)


async def test_two_stores_with_the_same_seed_and_time_make_the_same_ids() -> None:
    one, other = (
        open_store("sqlite://", timing=ManualTiming(), randomness=random.Random(7)) for _ in "ab"
    )

    assert one.ids.many(3) == other.ids.many(3)
    assert one.randomness.random() == other.randomness.random()
