"""The duty that holds rules against what is: it opens incidents, keeps them, and closes them.

It tells nobody: what it writes is read by who does. A round reads each rule once, in bounded work,
and writes what changed in bounded batches; while nothing changes it writes nothing but its lease.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Final

from sqlalchemy import Connection

from onbeat.domain.advice import facts_of
from onbeat.domain.errors import StoreUnavailable
from onbeat.domain.incidents import Kind
from onbeat.domain.judging import (
    Surroundings,
    Verdict,
    hushed,
    switched_off,
    weigh,
    weigh_off,
)
from onbeat.domain.outlooks import RISING, UNUSUAL, rests_on_outlooks
from onbeat.domain.rules import CAUSES, Causes, Condition, Finding, Rule
from onbeat.domain.silences import Silence
from onbeat.runtime.lease import Duty
from onbeat.runtime.lookout import Lookout
from onbeat.store import evidence, expectations, failing, findings, incidents, settling
from onbeat.store import known as stored
from onbeat.store.findings import Vitals
from onbeat.store.known import Known
from onbeat.store.store import Store

LOOK_EVERY: Final = 15.0
"""Seconds between rounds. What is wrong now is found within one, what ended within three: it is
folded some 20 s after.
"""

STEPS: Final = 6
"""Steps of the walk over the schedules in a round: 100,000 are gone through in two rounds, so that
a moment that one of them missed is found within 30 s.
"""

ABSENT_AFTER: Final = timedelta(seconds=180)
"""Without a round for longer no process was at work, or none that could be: no scheduler either.
Restarts, and deploys that stop all before they start all, are over by then: one that rested for
48 s took 122 s on a machine with eight times the work it can do.
"""

TOLD_FOR: Final = timedelta(minutes=5)
"""So long an absence that is over is held against the rule that no scheduler was at work."""

FIRST: Final = (
    Condition.DATABASE, Condition.NO_SCHEDULER, Condition.NO_WORKERS, Condition.BACKLOG,
    Condition.IN_A_ROW, Condition.FAILURE_RATE, Condition.SLOW, Condition.LATE, Condition.STALE,
    Condition.MISSED, *RISING, *UNUSUAL,
)  # fmt: skip
"""Causes are judged before what may follow from them."""

WHOLES: Final = (Kind.TASK, Kind.QUEUE)
"""And of a condition those of what may hide its parts; of volume the other way round."""


class Judge(Duty):
    """Judges round after round, whoever does it."""

    def __init__(self, store: Store, **options: Any) -> None:
        """Judge what is in `store`."""
        super().__init__(store, id="judge", term=timedelta(seconds=2 * LOOK_EVERY), **options)
        self._after: str | None = None
        self.lookout = Lookout(store)
        self._vitals = Vitals(
            has=timedelta(seconds=LOOK_EVERY), outlooks=self.lookout.outlooks
        )  # fmt: skip
        self._heard_at: datetime | None = None
        self._failing_since: float | None = None
        self._trouble = ""
        self._absence: tuple[datetime, datetime] | None = None
        self._began_at: datetime | None = None
        self._next_at: datetime | None = None
        """When a condition will have held for as long as its rule says, if it holds on."""

    async def step(self) -> float:
        """Do the duty if nobody else does. That the database was out of reach is remembered."""
        try:
            return await super().step()
        except StoreUnavailable as error:
            if self._failing_since is None:
                self._failing_since = self.timing.monotonic()
            self._trouble = type(error).__name__
            raise

    def saw(self, now: datetime) -> None:
        """Note when this process began to look."""
        self._began_at = self._began_at or now

    def look(self, connection: Connection, now: datetime) -> None:
        """Note the round, and how long there was none."""
        before = stored.judged(connection, now)
        if before is not None and now - before > ABSENT_AFTER:
            self._absence = (before, now)
        elif self._absence is not None and now - self._absence[1] > TOLD_FOR:
            self._absence = None
        self._heard_at = now

    async def perform(self) -> float:
        """Go one round."""
        began = self.timing.monotonic()
        await self._follow_schedules()
        await self.round()
        took = self.timing.monotonic() - began
        self._vitals = replace(self._vitals, took=timedelta(seconds=took))
        return max(1.0, min(LOOK_EVERY - took, self._rest()))

    def _rest(self) -> float:
        """Seconds until a condition will have held for long enough: it is told then, not a round
        later.
        """
        if self._next_at is None or self._heard_at is None:
            return LOOK_EVERY
        return (self._next_at - self._heard_at).total_seconds()

    async def _follow_schedules(self) -> None:
        """Go some steps on in the walk over the schedules; it begins anew in the next round."""
        for _ in range(STEPS):
            step = await self.store.read(partial(expectations.look, after=self._after))
            self._after = step.after
            if step.rows or step.gone:
                await self.store.write(partial(expectations.keep, step=step))
            if step.after is None:
                return

    async def round(self) -> None:
        """Hold each rule against what is."""
        known = await self.store.read(stored.known)
        if known.has_slept_enough:
            await self.store.write(incidents.awaken)
        await self.lookout.look(known.rules)
        around = self._around(known, known.causes)
        vitals = self._vitals_now()
        began = self.timing.monotonic()
        found = await self.store.read(partial(findings.find_all, rules=known.rules, vitals=vitals))
        slowest = self.timing.monotonic() - began
        self._next_at = self._opening_at(known.rules, found)
        for rule in _in_order(known.rules):
            if not found[rule.name] and rule.name not in known.stirred:
                continue
            changed = await self._judge(rule, found[rule.name], around)
            if changed and rule.condition in CAUSES:
                causes = await self.store.read(partial(stored.causes, rules=known.rules))
                around = self._around(known, causes)
        for name in sorted(known.stirred - found.keys()):
            await self._switch_off(name)
        self._failing_since = None
        self._vitals = replace(self._vitals, slowest=timedelta(seconds=slowest))

    def _opening_at(
        self, rules: Sequence[Rule], found: Mapping[str, Sequence[Finding]]
    ) -> datetime | None:
        """When the next of what holds will have held for as long as its rule says."""
        opening = (
            each.counted_from + rule.lasts
            for rule in rules for each in found[rule.name] if each.counted_from is not None
        )  # fmt: skip
        now = self._heard_at
        return min((at for at in opening if now is not None and at > now), default=None)

    def _vitals_now(self) -> Vitals:
        failing = self._failing_since
        return replace(
            self._vitals,
            trouble_for=timedelta(
                seconds=0 if failing is None else self.timing.monotonic() - failing
            ),
            trouble=self._trouble, absence=self._absence, began_at=self._began_at,
        )  # fmt: skip

    def _around(self, known: Known, causes: Causes) -> Surroundings:
        own = () if self._absence is None else (self._absence,)
        return Surroundings(
            rules=known.rules, causes=causes, silences=known.silences,
            absences=[*known.absences, *own],
        )  # fmt: skip

    async def _judge(self, rule: Rule, found: Sequence[Finding], around: Surroundings) -> bool:
        """Weigh what was found and write what follows; whether an incident opened or closed."""
        is_unknown = self.lookout.outlooks.is_unknown

        def weighed(connection: Connection, now: datetime) -> Verdict:
            return weigh(
                rule, found, remembered=incidents.remembered(connection, now, rule.name),
                standing=incidents.standing(connection, now, rule.name), around=around,
                is_whole=len(found) < failing.MOST, now=now,
                is_unknown=is_unknown if rests_on_outlooks(rule) else lambda _: False,
            )  # fmt: skip

        verdict = await self.store.read(weighed)
        await self._settle(rule, verdict, around.silences)
        return bool(verdict.opening or verdict.closing)

    async def _switch_off(self, name: str) -> None:
        """Close what is open of a rule that is off, or is no more."""

        def weighed(connection: Connection, now: datetime) -> Verdict:
            return weigh_off(
                incidents.remembered(connection, now, name),
                incidents.standing(connection, now, name),
            )

        await self._settle(switched_off(name), await self.store.read(weighed))

    async def _settle(self, rule: Rule, verdict: Verdict, silences: Sequence[Silence] = ()) -> None:
        written: list[Finding] = [
            *(each.finding for each in verdict.opening), *(each.finding for each in verdict.keeping)
        ]  # fmt: skip
        facts = {each.finding.key: facts_of(rule, each.finding) for each in verdict.opening}
        if written:
            facts |= await self.store.read(partial(evidence.gather, rule=rule, found=written))
            verdict.opening = await self.store.read(lambda _, now: [
                hushed(each, rule, facts[each.finding.key], silences, now)
                for each in verdict.opening
            ])  # fmt: skip
        for batch in settling.batches(verdict):
            await self.store.write(partial(
                settling.settle, rule=rule, batch=batch, facts=facts, new_id=self.store.new_id
            ))  # fmt: skip


def _in_order(rules: Sequence[Rule]) -> list[Rule]:
    def rank(rule: Rule) -> tuple[int, int, str]:
        first = FIRST.index(rule.condition) if rule.condition in FIRST else len(FIRST)
        wholes = WHOLES[::-1] if rule.condition is Condition.UNUSUAL_VOLUME else WHOLES
        of = wholes.index(rule.kind) if rule.kind in wholes else len(wholes)
        return first, of, rule.name

    return sorted(rules, key=rank)
