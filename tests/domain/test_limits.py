"""Limits as users write them."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onbeat.domain.errors import InvalidInput
from onbeat.domain.limits import Limit, key_of, parse_rate, slot_of


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("10/s", (10, 1_000_000)),
        ("100/min", (100, 60_000_000)),
        ("5/10s", (5, 10_000_000)),
        ("5 per 1h30m", (5, 5_400_000_000)),
        ("1 / day", (1, 86_400_000_000)),
    ],
)
def test_a_rate_is_read_as_people_write_it(text: str, read: tuple[int, int]) -> None:
    assert parse_rate(text) == read


@pytest.mark.parametrize(
    ("fields", "field", "told"),
    [
        ({}, "limit", "it bounds nothing"),
        ({"concurrency": 0}, "concurrency", "0 would let no job begin"),
        ({"concurrency": -1}, "concurrency", "-1 is out of range"),
        ({"concurrency": True}, "concurrency", "True is not a whole number"),
        ({"concurrency": 10_000_000}, "concurrency", "give 1 to 1,000,000"),
        ({"rate": "0/s"}, "rate", "0 would let no job begin"),
        ({"rate": "10"}, "rate", "'10' is not a rate; give one as 100/min"),
        ({"rate": "10/fortnight"}, "rate", "fortnight"),
        ({"rate": "10/0s"}, "rate", "out of range"),
        ({"rate": 10}, "rate", "10 is not a rate"),
        ({"concurrency": 1, "burst": 2}, "burst", "it goes with a rate"),
        ({"burst": 2}, "burst", "it goes with a rate; give rate='100/min' too"),
        ({"rate": "1/s", "burst": 0}, "burst", "0 would let no job begin"),
    ],
)
def test_a_limit_that_makes_no_sense_is_refused(
    fields: dict[str, Any], field: str, told: str
) -> None:
    with pytest.raises(InvalidInput) as caught:
        Limit("calls", **fields)

    assert caught.value.field == field
    assert told in str(caught.value)


@pytest.mark.parametrize("name", ["", "a b", "a:b", "queue/mail"])
def test_a_limit_whose_name_could_be_mistaken_is_refused(name: str) -> None:
    with pytest.raises(InvalidInput, match=r"^limit: "):
        Limit(name, concurrency=1)


def test_the_slot_is_of_the_arguments_that_the_limit_is_by() -> None:
    limit = Limit("calls", concurrency=1, by=("tenant", "order"))

    assert slot_of(limit, {"tenant": "acme", "order": 7, "text": "x"}) == "slot:calls:acme,7"
    assert slot_of(Limit("calls", 1), {"tenant": "acme"}) == "slot:calls:"


json_values = st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=40)


@given(st.lists(json_values, min_size=1, max_size=3), st.lists(json_values, min_size=1, max_size=3))
def test_different_values_have_different_keys(left: list[Any], right: list[Any]) -> None:
    same = [(type(each), each) for each in left] == [(type(each), each) for each in right]
    assert (key_of(left) == key_of(right)) == same or len(left) != len(right)


@pytest.mark.parametrize("key", ["", "a\x00b", "x" * 101, 7])
def test_a_key_that_is_no_printable_text_is_refused(key: object) -> None:
    with pytest.raises(InvalidInput, match=r"^key: .* is no printable text"):
        Limit("tenant", concurrency=1, key=key)  # type: ignore[arg-type]


def test_a_key_together_with_arguments_is_refused() -> None:
    with pytest.raises(InvalidInput, match=r"^key: it is given together with by"):
        Limit("tenant", concurrency=1, by="tenant", key="acme")
