"""How a source stands, and what is kept of messages that did not fit."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final


class Reception(StrEnum):
    """What came of a message."""

    TAKEN = "taken"
    SET_ASIDE = "set_aside"
    """It did not fit."""
    PASSED_OVER = "passed_over"
    """No mapping is for it."""


@dataclass(frozen=True, slots=True)
class Carried:
    """What came of a message, and why it was set aside."""

    came: Reception
    reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Listening:
    """How a source stands in the process that listens to it."""

    kind: str
    is_connected: bool = False
    since: datetime | None = None
    """Since when it is connected, or is not."""
    error: str | None = None
    """Why it is not."""
    waiting: int = 0
    """Messages that came and are not taken yet."""
    behind: timedelta = timedelta()
    """For how long the first of these has waited."""
    taken: int = 0
    """Messages for which something was done."""
    set_aside: int = 0
    """Messages that did not fit."""
    passed_over: int = 0
    """Messages that no mapping is for."""
    last_at: datetime | None = None
    """When the last one was taken."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SetAside:
    """A message that did not fit, and why."""

    id: str
    source: str
    channel: str
    message: str
    """The message's own id."""
    reason: str
    body: str
    """How it begins."""
    at: datetime


KEPT: Final = 1_000
"""Messages set aside that are kept of each source: the newest."""

TEXT_KEPT: Final = 1_000
"""Characters of a channel, of an id and of a reason that are kept, and told."""

BODY_KEPT: Final = 16 * 1024
"""Characters of them that are kept."""
