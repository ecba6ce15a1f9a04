"""Jobs that are bound: what is asked of them, and what is written down for the judges."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import msgspec
from sqlalchemy import Connection

from onbeat.domain.breakers import tie_of
from onbeat.domain.jobs import NewJob
from onbeat.domain.limits import slot_of
from onbeat.domain.marks import marks
from onbeat.domain.ties import TieKind, tie
from onbeat.domain.uniqueness import UniqueKey
from onbeat.domain.workflows import Edge, Member, NewWorkflow, OnFailure
from onbeat.store import breakers, limits, workflows
from onbeat.store.store import Store
from tests.chaos.history import Answer
from tests.simulation.book import Asked
from tests.simulation.tasks import BANK, CALL_TRIES, PACE, POOL, REGISTRY

KEYS = 3
SHAPES = ("chain", "fan", "diamond")


@dataclass
class Bonds:
    """What was asked for of jobs that are bound."""

    keys: dict[str, str] = field(default_factory=dict)
    """Of unique jobs, by id."""
    refused: dict[str, str] = field(default_factory=dict)
    """Unique jobs that were not stored, each with who has its key."""
    dated: set[str] = field(default_factory=set)
    """Jobs that may be called off where they begin too late."""
    flows: list[NewWorkflow] = field(default_factory=list)


def set_up(connection: Connection, now: datetime) -> None:
    """Declare what the tasks are bound by."""
    limits.declare(connection, now, REGISTRY.limits(), "code")
    breakers.declare(connection, now, REGISTRY.breakers(), "code")


def any_bound(store: Store, luck: random.Random) -> list[NewJob]:
    """A batch of jobs of one kind that is bound."""
    kinds = (_in_pool, _in_pool, _paced, _calling)
    kind = luck.choice(kinds)
    return [_dated(kind(store, luck), luck) for _ in range(luck.randint(1, 4))]


def _in_pool(store: Store, luck: random.Random) -> NewJob:
    seconds = luck.choice([0.0, 0.3, 1.5, 4.0])
    return _job(store, "swim", {"seconds": seconds}, slot_of(POOL, {}))


def _paced(store: Store, luck: random.Random) -> NewJob:
    return _job(store, "pace", {}, slot_of(PACE, {}))


def _calling(store: Store, luck: random.Random) -> NewJob:
    seconds = luck.choice([0.1, 0.1, 0.5, 4.0])
    made = _job(store, "call", {"seconds": seconds}, tie_of(BANK.name))
    return msgspec.structs.replace(made, max_attempts=CALL_TRIES)


def _job(store: Store, task: str, args: dict[str, Any], *ties: str) -> NewJob:
    """One of a task that is tied so; every third has a tag and an owner too."""
    identity = store.new_id()
    by = marks(("bound",), task) if int(identity, 16) % 3 == 0 else ()
    return NewJob(
        id=identity, task=task, args=msgspec.json.encode(args), ties=(*ties, *by),
        is_marked=bool(by),
    )  # fmt: skip


def _dated(job: NewJob, luck: random.Random) -> NewJob:
    """Some of them must begin soon."""
    if luck.random() > 0.15:
        return job
    within = timedelta(seconds=luck.choice([0.5, 3.0]))
    ties = (*job.ties, tie(TieKind.EXPIRES, str(within // timedelta(microseconds=1))))
    return msgspec.structs.replace(job, start_within=within, ties=ties)


def keyed(store: Store, key: int, seconds: float) -> NewJob:
    """A job that alone may have the key until it has ended."""
    digits = f"{key:032x}"
    text = tie(TieKind.UNIQUE, digits)
    made = _job(store, "alone", {"seconds": seconds}, text)
    return msgspec.structs.replace(made, unique=UniqueKey(digits, text))


def any_flow(store: Store, luck: random.Random) -> NewWorkflow:
    """A workflow of some shape, in which some jobs may fail."""
    shape, count = luck.choice(SHAPES), luck.randint(2, 5)
    made = [_step(store, luck) for _ in range(count + 1)]
    pairs: Sequence[tuple[int, int]]
    if shape == "chain":
        pairs = [(number, number + 1) for number in range(count)]
    elif shape == "fan":
        pairs = [(number, count) for number in range(count)]
    else:
        middle = range(1, count)
        pairs = [(0, each) for each in middle] + [(each, count) for each in middle]
    edges = [
        Edge(made[first].id, made[then].id, luck.choice(["success", "end"]))
        for first, then in pairs
    ]
    members = [Member(job, f"{number}") for number, job in enumerate(made)]
    policy = luck.choice(list(OnFailure))
    return NewWorkflow(
        id=store.new_id(), name=shape, on_failure=policy, members=members, edges=edges
    )


def _step(store: Store, luck: random.Random) -> NewJob:
    if luck.random() < 0.25:
        made = _job(store, "flop", {}, tie(TieKind.ENDS))
        return msgspec.structs.replace(made, max_attempts=1)
    seconds = luck.choice([0.0, 0.0, 0.5, 2.0])
    return _job(store, "linger", {"seconds": seconds}, tie(TieKind.ENDS))


def start_flow(
    connection: Connection, now: datetime, *, flow: NewWorkflow, asked: Asked, bonds: Bonds
) -> None:
    """Store a workflow, and write it down."""
    workflows.start(connection, now, flow)
    bonds.flows.append(flow)
    for member in flow.members:
        asked.heard(member.job.id, Answer.ACCEPTED)
