"""Channels, notices and attempts to send them, as they are sent and answered."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from pydantic import Field

from onbeat.api.bodies import Answer, Body
from onbeat.domain.channels import LONGEST_NAME, MOST_A_DAY, MOST_PATTERNS, ChannelKind, Tells
from onbeat.domain.incidents import Severity
from onbeat.domain.notices import NoticeKind, NoticeState
from onbeat.domain.templates import LONGEST_TEMPLATE

Patterns = Annotated[list[Annotated[str, Field(max_length=200)]], Field(max_length=MOST_PATTERNS)]
Span = Annotated[str, Field(max_length=100, examples=["5m"])]
Template = Annotated[str, Field(max_length=LONGEST_TEMPLATE)]


class ChannelOptionsIn(Body):
    """What a channel is told, and how; null takes an option back to its default."""

    severity: Severity | None = Field(None, description="The least severe it hears of.")
    rules: Patterns | None = Field(None, description="Patterns; `!` before one takes away.")
    kinds: Patterns | None = Field(None, description="What it is about: task, schedule, queue …")
    names: Patterns | None = Field(None, description="What that is called.")
    queues: Patterns | None = Field(None, description="The queue it is about.")
    tasks: Patterns | None = Field(None, description="The task it is about.")
    tags: Patterns | None = Field(None, description="A tag of it.")
    changes: list[Tells] | None = Field(None, description="What it is told; null: what is usual.")
    group_wait: Span | None = Field(None, description="How long to wait for others of a rule.")
    group_interval: Span | None = Field(None, description="Between two notices of a rule.")
    repeat: Span | None = Field(None, description="Again while nobody sees to it; 0s: never.")
    cooldown: Span | None = Field(None, description="Not again so soon after a notice.")
    gap: Span | None = Field(None, description="The least time between two sendings.")
    daily: int | None = Field(None, ge=1, le=MOST_A_DAY, description="The most in a day of UTC.")
    escalate_after: Span | None = Field(None, description="Then another channel is told too.")
    escalate_to: str | None = Field(None, max_length=LONGEST_NAME, description="Which one.")
    quiet: str | None = Field(
        None, max_length=100, examples=["22:00-07:00 Europe/Paris"],
        description="Hours in which only what is critical is told.",
    )  # fmt: skip
    title: Template | None = Field(None, description="A template of the title.")
    text: Template | None = Field(None, description="A template of the text.")


class Leads(Body):
    """Where a channel leads; which of these it takes is a matter of its kind."""

    url: str | None = Field(
        None, min_length=1, max_length=2_000,
        description="Slack's webhook, a receiver, apprise's URL.",
    )  # fmt: skip
    to: list[Annotated[str, Field(max_length=320)]] | None = Field(
        None, max_length=50, description="Addresses of e-mail."
    )
    key: str | None = Field(None, max_length=100, description="PagerDuty's integration key.")
    secret: str | None = Field(
        None, max_length=200, description="What a webhook is signed with; left out, one is made."
    )


class ChannelIn(Leads):
    """A channel to add."""

    name: str = Field(min_length=1, max_length=LONGEST_NAME, description="What it is called.")
    kind: ChannelKind = Field(description="By what it tells.")
    options: ChannelOptionsIn | None = Field(None, description="What it is told, and how.")


class ChannelChange(Leads):
    """What is to change; what is left out stays."""

    options: ChannelOptionsIn | None = Field(None, description="Those that are to change.")
    enabled: bool | None = Field(None, description="Disabled, it is told nothing.")


class ChannelOptionsOut(Answer):
    """What a channel is told, and how."""

    severity: Severity = Field(description="The least severe it hears of.")
    rules: list[str] = Field(description="Patterns of rules; none: all.")
    kinds: list[str] = Field(description="Patterns of what it is about.")
    names: list[str] = Field(description="Patterns of what that is called.")
    queues: list[str] = Field(description="Patterns of queues.")
    tasks: list[str] = Field(description="Patterns of tasks.")
    tags: list[str] = Field(description="Patterns of tags.")
    changes: list[Tells] = Field(description="What it is told; none: what is usual.")
    group_wait: str = Field(description="How long it waits for others of a rule.")
    group_interval: str = Field(description="Between two notices of a rule.")
    repeat: str = Field(description="Again while nobody sees to it.")
    cooldown: str = Field(description="Not again so soon after a notice.")
    gap: str = Field(description="The least time between two sendings.")
    daily: int = Field(description="The most in a day of UTC.")
    escalate_after: str | None = Field(description="Then another channel is told too.")
    escalate_to: str | None = Field(description="Which one.")
    quiet: str | None = Field(description="Hours in which only what is critical is told.")
    title: str | None = Field(description="A template of the title.")
    text: str | None = Field(description="A template of the text.")


class ChannelOut(Answer):
    """A channel; where it leads is not shown."""

    name: str
    id: str
    kind: ChannelKind = Field(description="By what it tells.")
    target: str = Field(description="What may be shown of where it leads.")
    enabled: bool = Field(description="Whether it is told anything.")
    options: ChannelOptionsOut = Field(description="What it is told, and how.")
    created_at: datetime
    changed_at: datetime
    disabled_at: datetime | None = Field(description="Since when it is told nothing.")
    disabled_why: str | None = Field(description="Why it is told nothing.")
    fault: str | None = Field(description="What is wrong with it now.")
    fault_at: datetime | None = Field(description="Since when that is wrong.")


class ChannelSeen(ChannelOut):
    """A channel, and what waits for it."""

    waiting: int = Field(description="Notices that wait to be sent.")


class ChannelMade(ChannelOut):
    """A channel with the secret that was made for it, which is shown now and never again."""

    secret: str | None = Field(description="What a webhook is signed with; null: none was made.")


class TestOut(Answer):
    """What came of a test."""

    notice: str = Field(description="The notice's id, under which it is on record.")
    sent: bool = Field(description="Whether it was taken.")
    status: int | None = Field(description="What was answered; null: nothing.")
    latency_seconds: float | None = Field(description="How long that took.")
    error: str | None = Field(description="Why it was not taken.")
    doubt: str | None = Field(description="What is odd about the answer.")
    answer: str | None = Field(description="How the answer begins.")


class ToldIncident(Answer):
    """An incident that a notice tells of."""

    id: str
    change: Tells = Field(description="What happened to it.")
    kind: str = Field(description="What it is about.")
    name: str = Field(description="What that is called.")
    severity: Severity = Field(description="How bad it is.")
    what: str = Field(description="What is wrong.")


class NoticeOut(Answer):
    """A notice."""

    id: str
    channel: str = Field(description="The channel's id.")
    kind: NoticeKind = Field(description="What it is about.")
    rule: str = Field(description="The rule that found it.")
    severity: Severity = Field(description="Of the worst it tells of.")
    thread: str = Field(description="The notice that first told of it.")
    state: NoticeState
    made_at: datetime = Field(description="When it was made.")
    due_at: datetime = Field(description="When it is sent.")
    settled_at: datetime | None = Field(description="When it was sent, failed, or was dropped.")
    attempts: int = Field(description="How often it was tried.")
    count: int = Field(description="How many incidents it tells of.")
    incidents: list[ToldIncident] = Field(description="The first of them.")
    why: str | None = Field(description="Why it failed, or was dropped.")


class NoticeAttemptOut(Answer):
    """One attempt to send a notice."""

    number: int = Field(description="From 1 on.")
    at: datetime
    latency_seconds: float | None = Field(description="null: nothing was sent.")
    status: int | None = Field(description="What was answered; null: nothing.")
    error: str | None = Field(description="What went wrong; null: it was taken.")
    answer: str | None = Field(description="How the answer begins.")


class NoticeSeen(NoticeOut):
    """A notice, and the attempts to send it."""

    tries: list[NoticeAttemptOut] = Field(description="The first first.")


class RuleStatsOut(Answer):
    """How a rule is told to a channel."""

    channel: str = Field(description="The channel's name.")
    rule: str = Field(description="The rule.")
    sent: int = Field(description="Notices.")
    failed: int = Field(description="Notices that could not be sent.")
    dropped: int = Field(description="Notices that were not sent on purpose.")
    incidents: int = Field(description="Incidents that were told.")
    seen: int = Field(description="Of them, how many somebody acknowledged or snoozed.")


def given(body: Leads) -> dict[str, Any]:
    """Where it leads, as far as that was given."""
    said = {"url": body.url, "to": body.to, "key": body.key, "secret": body.secret}
    return {name: value for name, value in said.items() if value is not None}


def options(body: ChannelOptionsIn | None) -> dict[str, Any] | None:
    """The options that were given, null ones among them."""
    return None if body is None else body.model_dump(exclude_unset=True)
