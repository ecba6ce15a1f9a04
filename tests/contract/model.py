"""A store as a dictionary: what the operations mean, in the fewest words that say it."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from onbeat.domain.jobs import JobId
from onbeat.domain.outcomes import APART, MAX_LOSSES
from onbeat.domain.states import FINAL_STATES, MOVES, Place, State
from onbeat.domain.workers import Session

Standing = tuple[str, int, str | None, str | None]
"""State, attempt, reason, and whether it was asked to stop: what people see."""


@dataclass
class Known:
    """What the model knows of one job."""

    id: JobId
    queue: str
    priority: int
    state: State = State.PENDING
    attempt: int = 0
    order: tuple[datetime, JobId] | None = None
    due_at: datetime | None = None
    reason: str | None = None
    stop_asked: str | None = None
    token: int | None = None
    session: str | None = None
    losses: int = 0
    has_begun: bool = False
    ended: list[str] = field(default_factory=list)
    """The outcome of each ended attempt."""

    def standing(self) -> Standing:
        reason = self.stop_asked if self.state is State.RUNNING else self.reason
        return (self.state, self.attempt, reason, self.stop_asked)


@dataclass
class Model:
    """Every job by its id, live sessions, paused queues and the time."""

    now: datetime
    jobs: dict[JobId, Known] = field(default_factory=dict)
    sessions: dict[str, datetime] = field(default_factory=dict)
    paused: set[str] = field(default_factory=set)

    def in_state(self, *states: State) -> list[Known]:
        return [job for job in self.jobs.values() if job.state in states]

    def enqueue(self, job: Known, due_at: datetime | None) -> bool:
        if job.id in self.jobs:
            return False
        self.jobs[job.id] = job
        if due_at is None or due_at <= self.now:
            self.make_pending(job)
        else:
            job.state, job.due_at = State.SCHEDULED, due_at
        return True

    def make_pending(self, job: Known) -> None:
        job.state, job.order, job.reason = State.PENDING, (self.now, job.id), None

    def claimable(self, queues: list[str], limit: int) -> list[Known]:
        """In the order they must be handed out."""
        open_queues = [queue for queue in queues if queue not in self.paused]
        waiting = [job for job in self.in_state(State.PENDING) if job.queue in open_queues]
        waiting.sort(key=lambda job: (-job.priority, open_queues.index(job.queue), job.order))
        return waiting[:limit]

    def lease(self, job: Known, session: Session, token: int) -> None:
        job.state, job.token, job.session = State.RUNNING, token, session.id
        job.attempt += 1
        job.has_begun = not job.losses
        job.order, job.stop_asked = None, None

    def ack(self, token: int, move: str, outcome: str, reason: str, delay: timedelta) -> bool:
        held = [job for job in self.in_state(State.RUNNING) if job.token == token]
        if not held:
            return False
        [job] = held
        job.token = job.session = job.stop_asked = None
        job.ended.append(outcome)
        job.attempt -= move in ("snooze", "release")
        entered = MOVES[move]
        if entered.enters is Place.READY:
            self.make_pending(job)
            return True
        job.state, job.reason = entered.state, reason
        if entered.enters is Place.DELAYED:
            job.due_at = self.now + delay
            job.state = State.RETRYING if job.attempt else State.SCHEDULED
        return True

    def cancel(self, job: Known, reason: str) -> None:
        if job.state is State.RUNNING:
            job.stop_asked = reason
        elif job.state not in FINAL_STATES:
            job.state, job.reason = State.CANCELLED, reason

    def revive(self, job: Known) -> None:
        if job.state in FINAL_STATES:
            job.attempt = job.losses = 0
            self.make_pending(job)

    def promote(self, limit: int) -> int:
        due = [
            job
            for job in self.in_state(State.SCHEDULED, State.RETRYING)
            if job.due_at is not None and job.due_at <= self.now
        ]
        due.sort(key=lambda job: (job.due_at, job.id))
        for job in due[:limit]:
            self.make_pending(job)
        return len(due[:limit])

    def rescue(self) -> None:
        """Sessions past their time are over, and what they held goes on or is set aside."""
        self.sessions = {key: end for key, end in self.sessions.items() if end >= self.now}
        for job in self.in_state(State.RUNNING):
            if job.session in self.sessions or job.token is None:
                continue
            job.losses += job.has_begun
            losses, stop = job.losses, job.stop_asked
            said = f"its worker died ({losses} of {MAX_LOSSES})"
            if stop is not None:
                self.ack(job.token, "stop", "lost", stop, timedelta())
            elif not job.has_begun:
                self.ack(job.token, "release", "lost", "before it began", timedelta())
            elif losses >= MAX_LOSSES:
                self.ack(job.token, "bury", "lost", f"set aside: {said}", timedelta())
            elif losses > 1:
                apart = random.Random(0).random() * APART  # as in rescue.py
                self.ack(job.token, "snooze", "lost", said, apart)
            else:
                self.ack(job.token, "release", "lost", said, timedelta())
