"""Sources, and what did not fit of what came by them, as it is answered."""

from __future__ import annotations

from datetime import datetime

from pydantic import Field

from onbeat.api.bodies import Answer
from onbeat.domain.services import Status
from onbeat.domain.sources.listening import Reception


class SourceOut(Answer):
    """What comes from outside, and how its listening stands."""

    name: str = Field(description="What the code calls it.")
    status: Status = Field(description="Of the service that listens.")
    up: bool = Field(description="Whether messages come, or it was told that none shall.")
    process: str | None = Field(description="Which process listens; null where none does.")
    kind: str | None = Field(description="What it listens to.")
    connected: bool = Field(description="Whether messages can come.")
    since: datetime | None = Field(description="Since when it is connected, or is not.")
    error: str | None = Field(description="Why it is not.")
    waiting: int | None = Field(description="Messages that came and are not taken yet.")
    behind_s: float | None = Field(description="For how long the first of these has waited.")
    taken: int | None = Field(description="Messages for which something was done.")
    set_aside: int | None = Field(description="Messages that did not fit.")
    passed_over: int | None = Field(description="Messages that no mapping is for.")
    last_at: datetime | None = Field(description="When the last one came.")


class SourcesOut(Answer):
    """The sources of all processes that are heard of."""

    data: list[SourceOut]


class SetAsideOut(Answer):
    """A message that did not fit its mapping."""

    id: str
    source: str = Field(description="By which it came.")
    channel: str = Field(description="By which of its channels.")
    message: str = Field(description="The message's own id.")
    reason: str = Field(description="Why it did not fit.")
    body: str = Field(description="How it begins.")
    at: datetime


class Delivered(Answer):
    """What came of a message."""

    id: str = Field(description="The message's own id.")
    came: Reception = Field(
        description="taken; set_aside: it did not fit; passed_over: no mapping is for it."
    )
