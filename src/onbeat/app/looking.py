"""How a thing stands before and after it is changed, for the audit log; None where it is not."""

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


def compared(
    find: Callable[[Connection, datetime], T | None], work: Callable[[Connection, datetime], T]
) -> Callable[[Connection, datetime], tuple[T, bool]]:
    """The work, and whether what it gives stands otherwise than before."""

    def compare(connection: Connection, now: datetime) -> tuple[T, bool]:
        before = find(connection, now)
        after = work(connection, now)
        return after, after != before

    return compare


def has_changed(done: tuple[object, bool]) -> bool:
    """What work has to say of itself that may have changed nothing."""
    return done[1]
