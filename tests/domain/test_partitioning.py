"""Sharing out keys: evenly, all of them, with as few moves as can be."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from onbeat.domain.partitioning import balance

NAMES = st.sets(st.sampled_from([f"name-{number}" for number in range(12)]))


def settle(
    keys: set[str], instances: set[str], holders: dict[str, str]
) -> tuple[dict[str, str], int]:
    """Who has what once each has looked twice, one after the other; and how many keys moved."""
    now, moves = dict(holders), 0
    for instance in sorted(instances) * 2:
        wanted = balance(keys, instances, instance, now)
        now = {key: holder for key, holder in now.items() if key not in wanted.let_go}
        now |= dict.fromkeys(wanted.take, instance)
        moves += len(wanted.take)
    return now, moves


@given(keys=NAMES, instances=NAMES.filter(bool))
def test_each_key_has_one_instance_and_none_has_two_more_than_another(
    keys: set[str], instances: set[str]
) -> None:
    holders, _ = settle(keys, instances, {})

    counts = [list(holders.values()).count(each) for each in instances]
    assert set(holders) == keys
    assert max(counts) - min(counts) <= 1


@given(keys=NAMES, instances=NAMES.filter(bool), came=st.sampled_from(["first", "one-more"]))
def test_who_comes_is_given_its_share_and_nothing_else_moves(
    keys: set[str], instances: set[str], came: str
) -> None:
    before, _ = settle(keys, instances, {})
    after, _ = settle(keys, {*instances, came}, before)

    assert {key for key in keys if after[key] != before[key]} == {
        key for key in keys if after[key] == came
    }


@given(keys=NAMES, instances=NAMES.filter(lambda each: len(each) > 1))
def test_of_who_goes_the_keys_are_taken_and_no_others_but_to_even_out(
    keys: set[str], instances: set[str]
) -> None:
    before, _ = settle(keys, instances, {})
    gone = max(instances)
    left = {key: holder for key, holder in before.items() if holder != gone}

    after, _ = settle(keys, instances - {gone}, left)

    assert set(after) == keys
    assert gone not in after.values()


@given(keys=NAMES, instances=NAMES.filter(bool))
def test_what_is_even_stays_as_it_is(keys: set[str], instances: set[str]) -> None:
    before, _ = settle(keys, instances, {})
    assert settle(keys, instances, before) == (before, 0)


def test_what_is_no_key_any_more_is_let_go() -> None:
    wanted = balance({"a"}, {"me"}, "me", {"a": "me", "b": "me", "c": "you"})
    assert (wanted.keep, wanted.let_go, wanted.take) == (("a",), ("b",), ())
