"""Worlds to begin with: the same for the same seed."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from examples.game_world.rules import (
    Effect,
    Event,
    Settlement,
    Structure,
    Variables,
    World,
    in_order,
)

BEGIN = datetime(1204, 1, 1, tzinfo=UTC)
SETTLEMENTS = 3
STRUCTURES = ("quarry", "wall", "mill")


def world(campaign: str, seed: int, days: int, effects: int) -> World:
    """A young world, in which so many effects wait for their moments in the first `days`."""
    chance = random.Random(f"{campaign}/{seed}")
    names = [f"{campaign}-town-{number}" for number in range(1, SETTLEMENTS + 1)]
    return World(
        campaign_id=campaign,
        world_time=BEGIN,
        settlements=in_order(_settlement(campaign, name, chance) for name in names),
        structures=in_order(
            each for name in names for each in _structures(campaign, name, chance)
        ),
        events=in_order(_events(campaign, days, chance)),
        effects=in_order(
            _effect(campaign, number, days, names, chance) for number in range(effects)
        ),
    )  # fmt: skip


def _settlement(campaign: str, name: str, chance: random.Random) -> Settlement:
    variables = Variables(
        granary=chance.randrange(50, 200),
        treasury=1_000,
        fertility=Decimal(chance.randrange(80, 130)) / 100,
        is_besieged=chance.random() < 0.1,
    )
    return Settlement(
        id=name, campaign_id=campaign, level=1, population=chance.randrange(60, 140),
        variables=variables, grown_at=BEGIN,
    )  # fmt: skip


def _structures(campaign: str, town: str, chance: random.Random) -> list[Structure]:
    made: list[Structure] = []
    for kind in STRUCTURES:
        before = (made[-1].id,) if made else ()
        made.append(
            Structure(
                id=f"{town}-{kind}", campaign_id=campaign, construction_started_at=BEGIN,
                construction_days=chance.randrange(3, 30),
                maintenance_days=chance.randrange(5, 20), wear=chance.randrange(5, 16),
                depends_on=before,
            )
        )  # fmt: skip
    return made


def _events(campaign: str, days: int, chance: random.Random) -> list[Event]:
    kinds = [
        ("harvest", 30, False),
        ("market", 7, False),
        ("raid", None, True),
        ("feast", 20, False),
    ]
    return [
        Event(
            id=f"{campaign}-{name}-{number}", campaign_id=campaign, is_encounter=fights,
            scheduled_at=BEGIN + timedelta(hours=chance.randrange(24, max(48, days * 24))),
            grace_days=chance.randrange(1, 4), needs_players=number == 2, repeats_days=repeats,
        )
        for name, repeats, fights in kinds
        for number in (1, 2)
    ]  # fmt: skip


def _effect(
    campaign: str, number: int, days: int, towns: list[str], chance: random.Random
) -> Effect:
    return Effect(
        id=f"{campaign}-effect-{number:04}", campaign_id=campaign,
        settlement_id=chance.choice(towns), amount=chance.randrange(-20, 50),
        execute_at=BEGIN + timedelta(minutes=chance.randrange(60, days * 24 * 60 - 60)),
    )  # fmt: skip
