"""The laws of the world of `examples/game_world`."""

from __future__ import annotations

from datetime import timedelta

import msgspec
import pytest
from examples.game_world.generate import BEGIN, world
from examples.game_world.rules import (
    INTERVALS,
    MOST_PEOPLE,
    Event,
    Settlement,
    Structure,
    Verdict,
    completed_at,
    ended,
    following,
    grown,
    kept,
    lived,
    verdict,
)
from hypothesis import given
from hypothesis import strategies as st

SEEDS = st.integers(0, 1_000)
DAYS = st.integers(0, 200)
YOUNG = world("c", seed=1, days=100, effects=20)


def after(days: float) -> timedelta:
    return timedelta(days=days)


def structure(name: str, days: int, *before: str, wear: int = 5) -> Structure:
    return Structure(
        id=name, campaign_id="c", construction_started_at=BEGIN, construction_days=days,
        maintenance_days=10, wear=wear, depends_on=before,
    )  # fmt: skip


def event(**said: object) -> Event:
    plain = Event(id="raid", campaign_id="c", scheduled_at=BEGIN + after(1), grace_days=2)
    return msgspec.structs.replace(plain, **said)


def town(**said: object) -> Settlement:
    return msgspec.structs.replace(YOUNG.settlements[0], **said)


@given(SEEDS, DAYS, DAYS)
def test_it_does_not_matter_how_often_somebody_looks(seed: int, first: int, more: int) -> None:
    young = world("c", seed, days=100, effects=20)

    at_once = lived(young, BEGIN + after(first + more))

    assert lived(lived(young, BEGIN + after(first)), BEGIN + after(first + more)) == at_once


@given(SEEDS)
def test_the_same_seed_is_the_same_world(seed: int) -> None:
    assert world("c", seed, 50, 20) == world("c", seed, 50, 20)
    assert world("c", seed, 50, 20) != world("c", seed + 1, 50, 20)


@pytest.mark.parametrize("level", INTERVALS)
def test_a_settlement_grows_by_the_interval_of_its_level(level: int) -> None:
    small = town(level=level, population=50)
    interval = after(INTERVALS[level])

    assert grown(small, BEGIN + interval - after(0.01)) == small
    assert grown(small, BEGIN + interval).steps == 1
    assert grown(small, BEGIN + interval).grown_at == BEGIN + interval


def test_a_level_takes_people_and_costs_grain() -> None:
    rich = msgspec.structs.replace(town().variables, granary=250, is_besieged=False)

    large = grown(town(population=149, variables=rich), BEGIN + after(7))
    small = grown(town(population=50, variables=rich), BEGIN + after(7))

    assert (large.level, small.level) == (2, 1)
    assert large.variables.granary < rich.granary < small.variables.granary


def test_people_of_a_level_have_a_bound() -> None:
    poor = msgspec.structs.replace(town().variables, granary=0, is_besieged=True)
    fed = msgspec.structs.replace(poor, is_besieged=False)

    assert grown(town(level=5, variables=fed), BEGIN + after(5_000)).population == MOST_PEOPLE[5]
    assert grown(town(population=90, variables=poor), BEGIN + after(100)).population == 90


def test_what_a_structure_depends_on_is_complete_before_it() -> None:
    others = {"a": structure("a", 20), "b": structure("b", 3, "a")}

    assert completed_at(others["b"], others) == BEGIN + after(20)
    assert kept(others["b"], others, BEGIN + after(19)).is_operational is False
    assert kept(others["b"], others, BEGIN + after(20)).is_operational is True


def test_a_structure_is_maintained_can_be_upgraded_and_may_fall() -> None:
    lasting, failing = structure("a", 1), structure("b", 1, wear=30)
    others = {"a": lasting, "b": failing}

    after_long = kept(lasting, others, BEGIN + after(41))

    assert after_long.last_maintenance_at == BEGIN + after(41)
    assert (after_long.health, after_long.is_upgrade_available) == (100, True)
    ruin = kept(failing, others, BEGIN + after(100))
    assert (ruin.is_operational, ruin.health, ruin.is_upgrade_available) == (False, 0, False)
    assert kept(ruin, others, BEGIN + after(500)) == ruin


def test_an_event_takes_place_at_its_moment_and_is_missed_after_its_grace() -> None:
    alone = event(needs_players=True)

    assert verdict(event(), BEGIN) is None
    assert verdict(event(), BEGIN + after(1)) is Verdict.COMPLETE
    assert verdict(event(is_encounter=True), BEGIN + after(9)) is Verdict.RESOLVE
    assert verdict(alone, BEGIN + after(3)) is None
    assert verdict(alone, BEGIN + after(3.1)) is Verdict.EXPIRE
    assert verdict(ended(alone, Verdict.EXPIRE), BEGIN + after(9)) is None


def test_an_event_ends_at_its_own_moment_and_a_recurring_one_comes_again() -> None:
    market = event(repeats_days=7)

    assert following(event()) is None
    assert ended(market, Verdict.COMPLETE).ended_at == market.scheduled_at
    again = following(ended(market, Verdict.COMPLETE))
    assert again is not None
    assert (again.id, again.scheduled_at) == ("raid#2", market.scheduled_at + after(7))
    assert again.ended_at is None
    third = following(again)
    assert third is not None
    assert third.id == "raid#3"


def test_an_effect_is_gold_that_nothing_else_touches() -> None:
    old = lived(YOUNG, BEGIN + after(100))

    gold = sum(each.variables.treasury for each in old.settlements)

    assert gold == 3 * 1_000 + sum(each.amount for each in YOUNG.effects)
    assert all(each.executed_at == each.execute_at for each in old.effects)
