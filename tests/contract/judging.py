"""What the judge makes of a store, in the words of the laws."""

from __future__ import annotations

from datetime import timedelta
from functools import partial

from onbeat.domain.incidents import Incident, IncidentChange, Wanted
from onbeat.domain.rules import Rule
from onbeat.runtime.judge import LOOK_EVERY, Judge
from onbeat.store import duties, incidents, rules
from onbeat.store.store import Store
from tests.timing import ManualTiming


async def judged(
    store: Store, timing: ManualTiming, judge: Judge | None = None, rounds: int = 1
) -> Judge:
    """So many rounds, each when it is time."""
    judge = judge or Judge(store)
    for _ in range(rounds):
        await judge.step()
        timing.advance(seconds=LOOK_EVERY)
    return judge


async def listed(store: Store, **wanted: object) -> list[Incident]:
    """All incidents, the newest first."""
    asked = Wanted(**wanted)  # type: ignore[arg-type]
    return await store.read(partial(incidents.list_incidents, wanted=asked, limit=100_000))


async def told(store: Store, incident: Incident) -> list[str]:
    """What happened to it."""
    return [each.what for each in await changes(store, incident)]


async def changes(store: Store, incident: Incident) -> list[IncidentChange]:
    """The same, all of it."""
    return await store.read(partial(incidents.changes, identity=incident.id))


async def stands(store: Store, rule: str) -> Incident:
    """The one incident of a rule."""
    found = [each for each in await listed(store) if each.rule == rule]
    assert len(found) == 1, [(each.rule, each.name) for each in await listed(store)]
    return found[0]


async def save(store: Store, rule: Rule) -> Rule:
    """Let a rule be so."""
    return await store.write(partial(rules.save, rule=rule, by="ann"))


async def schedule_at_work(store: Store) -> None:
    """Somebody has the scheduler's duty, for an hour."""
    await store.write(partial(
        duties.take, name="watchdog", holder="it", term=timedelta(hours=1)
    ))  # fmt: skip
