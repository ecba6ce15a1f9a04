"""How a thing stands, for the audit log: before and after it is changed; None where it is not."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, TypeVar

from sqlalchemy import Connection

from onbeat.domain.errors import NotFound

T = TypeVar("T")

Look = Callable[[Connection, datetime], Mapping[str, Any] | None]


def looking(
    find: Callable[[Connection, datetime], T], tell: Callable[[T], Mapping[str, Any]]
) -> Look:
    """Find it in the store, and tell it as programs are told."""

    def look(connection: Connection, now: datetime) -> Mapping[str, Any] | None:
        try:
            return tell(find(connection, now))
        except NotFound:
            return None

    return look
