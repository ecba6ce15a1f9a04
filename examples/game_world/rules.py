"""The world's laws: what is in it, and what becomes of it as its time passes. No I/O.

Everything goes in steps, each at a moment of its own, so that it does not matter how often or how
late somebody looks: `grown(grown(s, a), b)` is `grown(s, b)`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from enum import Enum
from typing import TypeVar

import msgspec

INTERVALS = {1: 7, 2: 5, 3: 3, 4: 2, 5: 1}
"""Days between two growths, by level."""

BIRTHS = {
    1: Decimal("0.010"), 2: Decimal("0.012"), 3: Decimal("0.010"), 4: Decimal("0.008"),
    5: Decimal("0.004"),
}  # fmt: skip
MOST_PEOPLE = {1: 200, 2: 500, 3: 1_200, 4: 3_000, 5: 8_000}
NEXT_LEVEL = {1: (150, 200), 2: (380, 600), 3: (900, 1_500), 4: (2_400, 4_000)}
"""People and grain that the next level takes."""

REPAIR = 10
WHOLE = 100
UPGRADE_AFTER = 4


class Entity(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Something of a campaign."""

    id: str
    campaign_id: str


class Variables(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A settlement's typed variables."""

    granary: int
    treasury: int
    fertility: Decimal
    is_besieged: bool


class Settlement(Entity, frozen=True, kw_only=True, rename="camel"):
    """People in a place. `steps` counts its growths."""

    level: int
    population: int
    variables: Variables
    grown_at: datetime
    steps: int = 0


class Structure(Entity, frozen=True, kw_only=True, rename="camel"):
    """A building, which needs others before it. `steps` counts its completion and maintenances."""

    construction_started_at: datetime
    construction_days: int
    maintenance_days: int
    wear: int
    depends_on: tuple[str, ...] = ()
    last_maintenance_at: datetime | None = None
    is_operational: bool = False
    is_upgrade_available: bool = False
    health: int = 0
    steps: int = 0


class Event(Entity, frozen=True, kw_only=True, rename="camel"):
    """What is to happen. One that needs players and gets none is missed."""

    scheduled_at: datetime
    grace_days: int
    is_encounter: bool = False
    needs_players: bool = False
    repeats_days: int | None = None
    is_completed: bool = False
    is_expired: bool = False
    ended_at: datetime | None = None


class Effect(Entity, frozen=True, kw_only=True, rename="camel"):
    """Gold that a settlement gains or loses at a moment."""

    settlement_id: str
    amount: int
    execute_at: datetime
    executed_at: datetime | None = None


E = TypeVar("E", bound=Entity)


class World(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """All of one campaign."""

    campaign_id: str
    world_time: datetime
    settlements: tuple[Settlement, ...]
    structures: tuple[Structure, ...]
    events: tuple[Event, ...]
    effects: tuple[Effect, ...]


class Verdict(Enum):
    """What is to be done about an event."""

    COMPLETE = "completeEvent"
    RESOLVE = "resolveEncounter"
    EXPIRE = "expire"


def growth_interval(level: int) -> timedelta:
    """How long a settlement of this level takes to grow once."""
    return timedelta(days=INTERVALS[level])


def grown(settlement: Settlement, until: datetime) -> Settlement:
    """The settlement after all the growths that are due by then."""
    while settlement.grown_at + growth_interval(settlement.level) <= until:
        settlement = _level_checked(_grow_once(settlement))
    return settlement


def _grow_once(settlement: Settlement) -> Settlement:
    """POPULATION_GROWTH and RESOURCE_GENERATION."""
    level, people, variables = settlement.level, settlement.population, settlement.variables
    if variables.is_besieged:
        granary = max(0, variables.granary - people // 10)
    else:
        people += max(1, int(people * BIRTHS[level] * variables.fertility * INTERVALS[level]))
        people = min(people, MOST_PEOPLE[level])
        granary = variables.granary + people * INTERVALS[level] // 10
    return msgspec.structs.replace(
        settlement,
        population=people,
        variables=msgspec.structs.replace(variables, granary=granary),
        grown_at=settlement.grown_at + growth_interval(level),
        steps=settlement.steps + 1,
    )


def _level_checked(settlement: Settlement) -> Settlement:
    """LEVEL_UP_CHECK: a higher level takes people, and costs grain."""
    people, grain = NEXT_LEVEL.get(settlement.level, (None, 0))
    variables = settlement.variables
    if people is None or settlement.population < people or variables.granary < grain:
        return settlement
    paid = msgspec.structs.replace(variables, granary=variables.granary - grain)
    return msgspec.structs.replace(settlement, level=settlement.level + 1, variables=paid)


def completed_at(structure: Structure, others: Mapping[str, Structure]) -> datetime:
    """CONSTRUCTION_COMPLETE: when its own time is over, and all it depends on are complete."""
    own = structure.construction_started_at + timedelta(days=structure.construction_days)
    return max([own, *(completed_at(others[each], others) for each in structure.depends_on)])


def kept(structure: Structure, others: Mapping[str, Structure], until: datetime) -> Structure:
    """The structure after its completion and all maintenances that are due by then."""
    if structure.last_maintenance_at is None:
        done = completed_at(structure, others)
        if done > until:
            return structure
        structure = msgspec.structs.replace(
            structure, last_maintenance_at=done, is_operational=True, health=WHOLE, steps=1
        )
    while (due := _maintenance_due(structure)) is not None and due <= until:
        structure = _maintained(structure, due)
    return structure


def _maintenance_due(structure: Structure) -> datetime | None:
    """MAINTENANCE_DUE; a ruin is not maintained any more."""
    last = structure.last_maintenance_at
    if last is None or not structure.is_operational:
        return None
    return last + timedelta(days=structure.maintenance_days)


def _maintained(structure: Structure, at: datetime) -> Structure:
    health = min(WHOLE, max(0, structure.health - structure.wear) + REPAIR)
    stands = structure.health > structure.wear
    return msgspec.structs.replace(
        structure,
        last_maintenance_at=at,
        health=health if stands else 0,
        is_operational=stands,
        is_upgrade_available=stands and structure.steps >= UPGRADE_AFTER,
        steps=structure.steps + 1,
    )


def verdict(event: Event, now: datetime) -> Verdict | None:
    """What is to be done about an event now; nothing about one that has ended."""
    if event.ended_at is not None or event.scheduled_at > now:
        return None
    if not event.needs_players:
        return Verdict.RESOLVE if event.is_encounter else Verdict.COMPLETE
    return Verdict.EXPIRE if event.scheduled_at + _grace(event) < now else None


def ended(event: Event, what: Verdict) -> Event:
    """The event as it has ended: at its own moment, whenever that is written."""
    expires = what is Verdict.EXPIRE
    at = event.scheduled_at + _grace(event) if expires else event.scheduled_at
    return msgspec.structs.replace(event, is_completed=not expires, is_expired=expires, ended_at=at)


def _grace(event: Event) -> timedelta:
    return timedelta(days=event.grace_days)


def following(event: Event) -> Event | None:
    """The next of a recurring event; None of one that is not."""
    if event.repeats_days is None:
        return None
    name, _, number = event.id.partition("#")
    return msgspec.structs.replace(
        event,
        id=f"{name}#{int(number or 1) + 1}",
        scheduled_at=event.scheduled_at + timedelta(days=event.repeats_days),
        is_completed=False, is_expired=False, ended_at=None,
    )  # fmt: skip


def gained(settlement: Settlement, effect: Effect) -> Settlement:
    """The settlement after an effect, which touches nothing that grows."""
    variables = settlement.variables
    richer = msgspec.structs.replace(variables, treasury=variables.treasury + effect.amount)
    return msgspec.structs.replace(settlement, variables=richer)


def executed(effect: Effect) -> Effect:
    """The effect as it is once it was executed."""
    return msgspec.structs.replace(effect, executed_at=effect.execute_at)


def lived(world: World, until: datetime) -> World:
    """What the world is to be at a moment: what the run is held to."""
    due = [each for each in world.effects if each.executed_at is None and each.execute_at <= until]
    settlements = {each.id: grown(each, until) for each in world.settlements}
    for effect in due:
        settlements[effect.settlement_id] = gained(settlements[effect.settlement_id], effect)
    others = {each.id: each for each in world.structures}
    ids = {each.id for each in due}
    return World(
        campaign_id=world.campaign_id,
        world_time=max(world.world_time, until),
        settlements=in_order(settlements.values()),
        structures=in_order(kept(each, others, until) for each in world.structures),
        events=in_order(each for event in world.events for each in _happened(event, until)),
        effects=in_order(executed(each) if each.id in ids else each for each in world.effects),
    )


def _happened(event: Event, until: datetime) -> Iterable[Event]:
    following_one: Event | None = event
    while following_one is not None:
        event, what = following_one, verdict(following_one, until)
        if what is None:
            yield event
            return
        yield ended(event, what)
        following_one = following(event)


def in_order(entities: Iterable[E]) -> tuple[E, ...]:
    """By their ids, so that two worlds can be compared."""
    return tuple(sorted(entities, key=lambda each: each.id))
