"""What follows of time in the world: its schedules, its jobs, and what Redis tells of it.

Run it with `onbeat up --app examples.game_world.game:ob`, see README.md. The server of the world is
another program (world.py); all that is said to it goes through `api`.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from examples.game_world.rules import (
    Effect,
    Event,
    Settlement,
    Structure,
    Verdict,
    grown,
    kept,
    verdict,
)
from onbeat import (
    Call,
    CallRefused,
    CallUnanswered,
    Conflict,
    InvalidInput,
    InvalidSetting,
    NewSchedule,
    NotFound,
    Onbeat,
    Recurrence,
    Retry,
    Run,
    Transient,
    Unique,
    cron,
    every,
)
from onbeat.sources import Advance, Enqueue, RedisPubSub, field

ENDED_AT_ONCE = 50

ob = Onbeat(name="game-world")  # ONBEAT_DB, else sqlite:///onbeat.db

api = ob.client(
    "game-api", env="API", url="http://127.0.0.1:9380", token="a token of the example",  # noqa: S106
    retry=Retry(2, base="50ms"), most_connections=10,
)  # fmt: skip


def _number(variable: str, otherwise: int) -> int:
    """What a variable says. Raises InvalidSetting."""
    said = os.environ.get(variable, str(otherwise))
    if not said.isdecimal() or int(said) < 1:
        raise InvalidSetting(variable, f"{said!r} is not allowed; give a whole number from 1")
    return int(said)


BACKOFF = timedelta(milliseconds=_number("QUEUE_RETRY_BACKOFF_MS", 5_000))
RETRY = Retry(
    _number("QUEUE_MAX_RETRIES", 3),
    base=BACKOFF,
    # An API that is not there says nothing of the job: it waits for the API, however long.
    by={CallUnanswered: Retry(1_000, base=BACKOFF, cap="1m")},
)


class EffectPayload(msgspec.Struct, frozen=True, rename="camel"):
    """Which effect."""

    effect_id: str


class GrowthPayload(msgspec.Struct, frozen=True, rename="camel"):
    """Which settlement; until which moment of the world, else until the schedule's."""

    settlement_id: str
    until: datetime | None = None


class UntilPayload(msgspec.Struct, frozen=True, rename="camel"):
    """Until which moment of the world, else until the schedule's."""

    until: datetime | None = None


@ob.task(name="DEFERRED_EFFECT", priority=8, retry=RETRY, breakers=api.breaker)
async def deferred_effect(run: Run, campaignId: str, payload: EffectPayload) -> str:
    """Have the world execute an effect."""
    path = f"/effects/{payload.effect_id}"
    effect = (await api.get(path)).json()
    if effect["executedAt"] is not None:
        run.log.info("it was executed before", effect=payload.effect_id, campaign=campaignId)
        return "executed before"
    answer = await api.post(f"{path}/execute", json={}, idempotency_key=str(run.job))
    run.log.info("executed", effect=payload.effect_id, campaign=campaignId, status=answer.status)
    return "executed"


@ob.task(name="SETTLEMENT_GROWTH", priority=5, retry=RETRY, breakers=api.breaker)
async def settlement_growth(run: Run, campaignId: str, payload: GrowthPayload) -> str:
    """Let a settlement grow as often as is due, and write it back."""
    found = await api.graphql(_SETTLEMENT, {"id": payload.settlement_id})
    settlement = msgspec.convert(found["settlement"], Settlement)
    after = grown(settlement, _moment(run, payload.until))
    if after.steps == settlement.steps:
        return "nothing is due"
    await _write(
        run, f"/settlements/{settlement.id}", base=settlement.steps, steps=after.steps,
        level=after.level, population=after.population, granary=after.variables.granary,
        grownAt=after.grown_at.isoformat(),
    )  # fmt: skip
    run.log.info("grown", settlement=settlement.id, level=after.level, campaign=campaignId)
    return f"{settlement.id} has {after.population} people, level {after.level}"


@ob.task(name="STRUCTURE_MAINTENANCE", priority=4, retry=RETRY, breakers=api.breaker)
async def structure_maintenance(run: Run, campaignId: str, payload: UntilPayload) -> str:
    """Complete and maintain what is due of a campaign's structures."""
    found = await api.graphql(_STRUCTURES, {"id": campaignId})
    structures = msgspec.convert(found["structures"], list[Structure])
    others, until = {each.id: each for each in structures}, _moment(run, payload.until)
    changed = [(each, after) for each in structures if (after := kept(each, others, until)) != each]
    for before, after in changed:
        said = msgspec.to_builtins(after)
        await _write(
            run, f"/structures/{before.id}", base=before.steps,
            **{name: said[name] for name in _KEPT},
        )  # fmt: skip
    return f"{len(changed)} structures kept"


@ob.task(name="EVENT_EXPIRATION", priority=6, retry=RETRY, breakers=api.breaker)
async def event_expiration(run: Run, campaignId: str, payload: UntilPayload) -> dict[str, int]:
    """Complete events whose moment has come, and expire those that were missed, until none is due:
    one that recurs may be due again.
    """
    until, counts = _moment(run, payload.until), dict.fromkeys((each.value for each in Verdict), 0)
    while due := await _due_events(campaignId, until):
        for first in range(0, len(due), ENDED_AT_ONCE):
            batch = due[first : first + ENDED_AT_ONCE]
            await asyncio.gather(*(_end(run, event, what) for event, what in batch))
        for _, what in due:
            counts[what.value] += 1
    return counts


async def _due_events(campaign: str, until: datetime) -> Sequence[tuple[Event, Verdict]]:
    found = await api.graphql(_DUE_EVENTS, {"id": campaign, "at": until.isoformat()})
    events = msgspec.convert(found["dueEvents"], list[Event])
    return [(each, what) for each in events if (what := verdict(each, until)) is not None]


async def _end(run: Run, event: Event, what: Verdict) -> None:
    if what is Verdict.EXPIRE:
        path = f"/events/{event.id.replace('#', '%23')}/expire"
        await api.patch(path, json={}, idempotency_key=f"{run.job}/{event.id}")
    else:
        asked = f"mutation ($id: ID!) {{ {what.value}(id: $id) {{ id }} }}"
        await api.graphql(asked, {"id": event.id})
    run.log.info(what.value, event=event.id)


async def queue_deferred_effect(
    effect_id: str, execute_at: datetime, campaign_id: str, priority: int = 8
) -> str:
    """Have an effect executed at a moment of its world; the job's id, the same for the same effect
    until that job has ended.
    """
    asked = deferred_effect.opts(
        clock=f"campaign/{campaign_id}", at=execute_at, priority=priority,
        unique=Unique(key=effect_id),
    )  # fmt: skip
    return str((await asked.enqueue(campaign_id, EffectPayload(effect_id))).id)


@ob.task(name="CAMPAIGN_SYNC", priority=9, retry=RETRY, breakers=api.breaker)
async def campaign_sync(campaignId: str) -> str:
    """See that a campaign has its clock, its schedules, and a job for each effect that waits."""
    found = await api.graphql(_CAMPAIGN, {"id": campaignId})
    at = datetime.fromisoformat(found["campaign"]["worldTime"])
    towns = [each["id"] for each in found["settlements"]]
    clock = f"campaign/{campaignId}"
    with suppress(Conflict):
        await ob.clocks.create(clock, at=at)
    for new in _schedules(campaignId, towns, at):
        with suppress(Conflict):
            await ob.schedules.create_many([new])
    effects = msgspec.convert(found["pendingEffects"], list[Effect])
    for effect in effects:
        await queue_deferred_effect(effect.id, effect.execute_at, campaignId)
    return f"{clock}: {len(towns)} settlements, {len(effects)} effects"


def _schedules(campaign: str, towns: Sequence[str], at: datetime) -> list[NewSchedule]:
    calls: list[tuple[str, Call[Any]]] = [
        (f"structures/{campaign}", structure_maintenance.bind(campaign, UntilPayload())),
        (f"events/{campaign}", event_expiration.bind(campaign, UntilPayload())),
    ]
    calls.extend(
        (f"growth/{town}", settlement_growth.bind(campaign, GrowthPayload(town))) for town in towns
    )
    daily, clock = every("24h", anchor=at), f"campaign/{campaign}"
    return [
        NewSchedule(name, call, daily, policies={"clock": clock, "overlap": "allow"})
        for name, call in calls
    ]


def _crontab(kind: str, otherwise: str) -> Recurrence:
    return cron(os.environ.get(f"CRON_{kind}", otherwise))


@ob.schedule(
    _crontab("EVENT_EXPIRATION", "*/5 * * * *"),
    name="EVENT_EXPIRATION",
    args={"kind": "EVENT_EXPIRATION"},
)
@ob.schedule(
    _crontab("SETTLEMENT_GROWTH", "0 * * * *"),
    name="SETTLEMENT_GROWTH",
    args={"kind": "SETTLEMENT_GROWTH"},
)
@ob.schedule(
    _crontab("STRUCTURE_MAINTENANCE", "0 * * * *"),
    name="STRUCTURE_MAINTENANCE", args={"kind": "STRUCTURE_MAINTENANCE"},
)  # fmt: skip
@ob.task(name="SWEEP", retry=RETRY, breakers=api.breaker)
async def sweep(kind: str) -> int:
    """Move the clocks of all campaigns to where the world's server says they are, and ask for one
    kind of job in each: what Redis did not tell is caught up with.
    """
    found = await api.graphql("{ campaigns { id worldTime } }")
    for campaign in found["campaigns"]:
        identity, until = campaign["id"], datetime.fromisoformat(campaign["worldTime"])
        await _catch_up(identity, until)
        if kind == "SETTLEMENT_GROWTH":
            towns = await api.graphql(_TOWNS, {"id": identity})
            for town in towns["settlements"]:
                await settlement_growth.enqueue(identity, GrowthPayload(town["id"], until))
        elif kind == "STRUCTURE_MAINTENANCE":
            await structure_maintenance.enqueue(identity, UntilPayload(until))
        else:
            await event_expiration.enqueue(identity, UntilPayload(until))
    return len(found["campaigns"])


async def _catch_up(campaign: str, until: datetime) -> None:
    clock = f"campaign/{campaign}"
    try:
        at = await ob.clocks.now(clock)
    except NotFound:
        await campaign_sync.enqueue(campaign)
        return
    with suppress(InvalidInput):  # somebody has moved it further meanwhile
        while at < until:
            at = (await ob.clocks.advance(clock, to=until)).now_at


async def _write(run: Run, path: str, **said: Any) -> None:
    try:
        await api.patch(path, json=said, idempotency_key=f"{run.job}/{run.attempt}/{path}")
    except CallRefused as error:
        if error.status == 409:
            raise Transient(f"{path} was changed meanwhile") from error
        raise


def _moment(run: Run, until: datetime | None) -> datetime:
    return until or run.occurrence_at or datetime.max.replace(tzinfo=UTC)


_SETTLEMENT = """
query ($id: ID!) {
  settlement(id: $id) {
    id campaignId level population grownAt steps
    variables { granary treasury fertility isBesieged }
  }
}
"""
_STRUCTURES = """
query ($id: ID!) {
  structures(campaign: $id) {
    id campaignId constructionStartedAt constructionDays maintenanceDays wear dependsOn
    lastMaintenanceAt isOperational isUpgradeAvailable health steps
  }
}
"""
_DUE_EVENTS = """
query ($id: ID!, $at: String!) {
  dueEvents(campaign: $id, at: $at) {
    id campaignId scheduledAt graceDays isEncounter needsPlayers repeatsDays endedAt
  }
}
"""
_KEPT = ("lastMaintenanceAt", "isOperational", "isUpgradeAvailable", "health", "steps")
_TOWNS = "query ($id: ID!) { settlements(campaign: $id) { id } }"
_CAMPAIGN = """
query ($id: ID!) {
  campaign(id: $id) { worldTime }
  settlements(campaign: $id) { id }
  pendingEffects(campaign: $id) { id campaignId settlementId amount executeAt }
}
"""

if "REDIS_URL" in os.environ:
    game = ob.source(RedisPubSub(name="game", url=os.environ["REDIS_URL"]))
    (
        game.on("campaign.{id}.opened", Enqueue(campaign_sync, args={"campaignId": "{id}"}))
        .on(
            "campaign.{id}.worldTimeAdvanced",
            Advance("campaign/{id}", to=field("worldTime")),
        )
        .on("campaign.{id}.entityModified", Enqueue(campaign_sync, args={"campaignId": "{id}"}))
    )
