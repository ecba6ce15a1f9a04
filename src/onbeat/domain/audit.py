"""What is written down of every change that somebody asked for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from onbeat.domain.access import Principal


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """Who changes something, and from where."""

    principal: Principal
    address: str | None = None
    request: str | None = None
    """The id of the request, which the answer and the log have too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One change: who did what to which, how it stood before and after, and from where."""

    id: str
    at: datetime
    actor_kind: str
    actor: str
    actor_name: str
    action: str
    """A noun and a verb, as `schedule.pause`."""
    subject_kind: str
    subject: str
    before: Mapping[str, Any] | None = None
    after: Mapping[str, Any] | None = None
    address: str | None = None
    request: str | None = None
