"""The model of a store, with what bounds its jobs: limits, breakers, unique keys, deadlines.

It knows nothing of slots that are locked, of jobs that make way, nor of how a claim looks for what
may run: it goes through all that wait, the most urgent first, and gives each what it needs.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from fractions import Fraction

from onbeat.domain.jobs import JobId
from onbeat.domain.states import FINAL_STATES, State
from onbeat.domain.workers import Session
from tests.contract.model import Known, Model

WAITING = (State.PENDING, State.SCHEDULED, State.RETRYING)


@dataclass(frozen=True)
class Allowed:
    """What a limit allows: so many at once; of a rate one each `every`, `burst` after a rest."""

    at_once: int | None = None
    every: timedelta | None = None
    burst: int = 1

    @property
    def fields(self) -> dict[str, object]:
        """The same as people write it."""
        rate = None if self.every is None else f"{self.burst}/{self.burst * self.every.seconds}s"
        return {"concurrency": self.at_once, "rate": rate, "burst": rate and self.burst}


@dataclass
class Rule:
    """A limit on record."""

    allows: Allowed
    declared: Allowed | None
    by_hand: bool = False


@dataclass
class Fuse:
    """A breaker: after two failures in a row it is open for ten seconds, then one may try."""

    failures: int = 0
    opened_at: datetime | None = None
    open_until: datetime | None = None


THRESHOLD, OPEN_FOR, PROBES = 2, timedelta(seconds=10), 1


@dataclass
class Bound(Known):
    """A job, and what binds it."""

    slots: tuple[str, ...] = ()
    key: str | None = None
    until: str = "ended"
    """How long it has its key: until it has ended, has begun, or for a time."""
    within: timedelta | None = None
    start_by: datetime | None = None
    """When it must have begun."""


@dataclass
class Held:
    """Who has a key, and until when, where that is for a time."""

    job: JobId
    until: datetime | None


@dataclass
class BoundedModel(Model):
    """A store whose jobs are bound."""

    limits: dict[str, Rule] = field(default_factory=dict)
    spent: dict[str, tuple[Fraction, datetime]] = field(default_factory=dict)
    """Of slots with a rate that was used: how many might begin at that moment."""
    fuses: dict[str, Fuse] = field(default_factory=dict)
    keys: dict[str, Held] = field(default_factory=dict)

    # What may run.

    def claimable(self, queues: list[str], limit: int) -> list[Known]:
        everything = super().claimable(queues, len(self.jobs))
        used = Counter(name for job in self.in_state(State.RUNNING) for name in self.needs(job))
        begun: Counter[str] = Counter()
        taken: list[Known] = []
        for job in everything:
            needs = self.needs(job)
            if len(taken) == limit or self.is_overdue(job):
                continue
            if all(self.lets(name, used[name], begun[name]) for name in needs):
                taken.append(job)
                used.update(needs)
                begun.update(needs)
        return taken

    def needs(self, job: Known) -> tuple[str, ...]:
        """The slots that it holds while it runs."""
        of_queue = f"queue/{job.queue}"
        own = job.slots if isinstance(job, Bound) else ()
        return (f"{of_queue}:", *own) if of_queue in self.limits else own

    def lets(self, slot: str, used: int, begun: int) -> bool:
        """Whether one more may begin, where so many hold the slot, and so many began just now."""
        name = slot.partition(":")[0]
        if (fuse := self.fuses.get(name)) is not None and fuse.opened_at is not None:
            return self.now >= (fuse.open_until or self.now) and used < PROBES
        rule = self.limits.get(name)
        if rule is None:
            return True
        most = rule.allows.at_once
        return (most is None or used < most) and self.left(slot) - begun >= 1

    def left(self, slot: str) -> Fraction:
        """How many may begin now as far as a rate goes: a bucket that fills steadily."""
        rule = self.limits.get(slot.partition(":")[0])
        if rule is None or rule.allows.every is None:
            return Fraction(10**9)
        full = Fraction(rule.allows.burst)
        left, at = self.spent.get(slot, (full, self.now))
        micro = timedelta(microseconds=1)
        return min(full, left + Fraction((self.now - at) // micro, rule.allows.every // micro))

    def is_overdue(self, job: Known) -> bool:
        return isinstance(job, Bound) and job.start_by is not None and job.start_by <= self.now

    def lease(self, job: Known, session: Session, token: int) -> None:
        for name in self.needs(job):
            rule = self.limits.get(name.partition(":")[0])
            if rule is not None and rule.allows.every is not None:
                self.spent[name] = (self.left(name) - 1, self.now)
        super().lease(job, session, token)
        if isinstance(job, Bound):
            job.start_by = None
            self.give_up(job, "begun")

    # Unique keys.

    def holder(self, key: str | None) -> JobId | None:
        """Who has a key now."""
        held = self.keys.get(key or "")
        if held is None or (held.until is not None and held.until <= self.now):
            return None
        return held.job

    def ask(self, job: Bound, due_at: datetime | None) -> JobId | None:
        """Enqueue it, if its key is free; else who has that."""
        holder = self.holder(job.key)
        if holder is not None:
            return holder
        if job.key is not None:
            until = None if job.within is None else self.now + job.within
            self.keys[job.key] = Held(job.id, until)
        self.enqueue(job, due_at)
        return None

    def replace(self, job: Bound, due_at: datetime | None) -> JobId | None:
        """The same, in place of a job that waits."""
        before = self.jobs.get(self.holder(job.key) or JobId(""))
        if before is not None and before.state in WAITING:
            self.cancel(before, f"replaced by job {job.id}")
            self.keys.pop(job.key or "", None)
        return self.ask(job, due_at)

    def give_up(self, job: Known, *until: str) -> None:
        """Free the key that it has until this happens."""
        if isinstance(job, Bound) and job.until in until and self.holder(job.key) == job.id:
            del self.keys[job.key or ""]

    def ack(self, token: int, move: str, outcome: str, reason: str, delay: timedelta) -> bool:
        held = [job for job in self.in_state(State.RUNNING) if job.token == token]
        is_applied = super().ack(token, move, outcome, reason, delay)
        for job in held:
            if job.state in FINAL_STATES:
                self.give_up(job, "ended")
        return is_applied

    def cancel(self, job: Known, reason: str) -> None:
        waits = job.state in WAITING
        super().cancel(job, reason)
        if waits:
            self.give_up(job, "ended", "begun")
            if isinstance(job, Bound):
                job.start_by = None

    def may_revive(self, job: Known) -> bool:
        """Whether it has ended and nobody else has its key."""
        if not isinstance(job, Bound) or job.until == "within":
            return job.state in FINAL_STATES
        return job.state in FINAL_STATES and self.holder(job.key) in (None, job.id)

    def revive(self, job: Known) -> None:
        if self.may_revive(job):
            super().revive(job)
            if isinstance(job, Bound) and job.key is not None and job.until != "within":
                self.keys[job.key] = Held(job.id, None)

    def expire(self) -> list[Bound]:
        """What should have begun by now and waits; it is called off by who asks."""
        return [
            job
            for job in self.in_state(*WAITING)
            if isinstance(job, Bound) and self.is_overdue(job)
        ]

    # Limits and breakers.

    def declare(self, name: str, allows: Allowed) -> None:
        rule = self.limits.get(name)
        if rule is None:
            self.limits[name] = Rule(allows, allows)
            self.refill(name)
        elif rule.declared != allows:
            rule.declared = allows
            if not rule.by_hand:
                rule.allows = allows
                self.refill(name)

    def set_limit(self, name: str, allows: Allowed) -> bool:
        if name not in self.limits and not name.startswith("queue/"):
            return False
        rule = self.limits.setdefault(name, Rule(allows, None))
        rule.allows, rule.by_hand = allows, True
        self.refill(name)
        return True

    def reset(self, name: str) -> bool:
        rule = self.limits.get(name)
        if rule is None:
            return False
        if rule.declared is None:
            return self.remove(name)
        rule.allows, rule.by_hand = rule.declared, False
        self.refill(name)
        return True

    def remove(self, name: str) -> bool:
        self.refill(name)
        return self.limits.pop(name, None) is not None

    def refill(self, name: str) -> None:
        """A limit that is changed begins anew."""
        self.spent = {
            slot: at for slot, at in self.spent.items() if not slot.startswith(f"{name}:")
        }

    def observe(self, name: str, seen: Sequence[tuple[datetime, bool]]) -> None:
        """Hear how attempts ended that began at those moments, and whether well."""
        fuse = self.fuses[name]
        for began_at, is_well in seen:
            if fuse.open_until is not None and began_at < fuse.open_until:
                continue
            if is_well:
                fuse.failures, fuse.opened_at, fuse.open_until = 0, None, None
                continue
            fuse.failures += 1
            if fuse.opened_at is not None or fuse.failures >= THRESHOLD:
                self.trip(name)

    def trip(self, name: str) -> None:
        fuse = self.fuses[name]
        fuse.failures, fuse.opened_at = THRESHOLD, self.now
        fuse.open_until = self.now + OPEN_FOR

    def close(self, name: str) -> None:
        self.fuses[name] = Fuse()
