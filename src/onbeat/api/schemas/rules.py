"""Limits, breakers, regions and retention, as they are sent and answered."""

from __future__ import annotations

from datetime import datetime

from pydantic import Field

from onbeat.api.bodies import Answer, Body


class BoundsOut(Answer):
    """What a limit allows."""

    concurrency: int | None
    rate: str | None = Field(examples=["100/1m"])
    burst: int | None


class LimitOut(BoundsOut):
    """A limit and how much of it is used."""

    name: str
    declared: BoundsOut | None = Field(description="What the code says.")
    by_hand: bool
    held: int
    waiting: int
    slots: int
    changed_at: datetime
    changed_by: str


class Limits(Answer):
    """All limits."""

    data: list[LimitOut]


class SlotOut(Answer):
    """A slot of a limit: what one key, or all together, hold of it."""

    slot: str
    held: int
    waiting: int
    open_at: datetime | None


class LimitWithSlots(LimitOut):
    """A limit with its slots that jobs hold or wait for, those most waited for first."""

    in_use: list[SlotOut]


class BoundsIn(Body):
    """What a limit is to allow, and nothing else."""

    concurrency: int | None = Field(None, ge=1, le=1_000_000, description="So many run at once.")
    rate: str | None = Field(None, max_length=50, examples=["100/min"])
    burst: int | None = Field(None, ge=1, le=1_000_000)


class BreakerOut(Answer):
    """A breaker and how it stands."""

    name: str
    state: str
    failures: int
    threshold: int
    open_for: str
    probes: int
    opened_at: datetime | None
    open_until: datetime | None
    reason: str | None
    waiting: int
    changed_at: datetime
    changed_by: str


class Breakers(Answer):
    """All breakers."""

    data: list[BreakerOut]


class RegionOut(Answer):
    """A region and where its jobs go; `region` null is the default queue."""

    region: str | None
    queue: str
    workers: int
    served_at: datetime | None
    pending: int
    paused: bool
    unavailable: str | None = Field(description="Why nothing is sent there.")
    goes_to: str | None
    spread_over: list[str]
    moves_at: datetime | None


class Regions(Answer):
    """All regions."""

    data: list[RegionOut]


class KeptOut(Answer):
    """How much is kept: so many, so long, or both."""

    completed: str | None = Field(examples=["100,30d"])
    failed: str | None


class RuleOut(KeptOut):
    """What is kept of whose jobs."""

    subject: str = Field(examples=["task/send"])
    declared: KeptOut | None
    by_hand: bool
    changed_at: datetime
    changed_by: str


class Rules(Answer):
    """All rules of retention."""

    data: list[RuleOut]


class KeptIn(Body):
    """How much to keep."""

    completed: str | None = Field(None, max_length=50, examples=["100,30d"])
    failed: str | None = Field(None, max_length=50)
