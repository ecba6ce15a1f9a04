"""Sign-ins in browsers, and wrong guesses at passwords, cold."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, delete, insert, select, update

from onbeat.domain.users import FORGET_GUESSES_AFTER, IDLE_FOR, Login, pause_after
from onbeat.store import rates
from onbeat.store.schema import guesses, logins

SEEN_NOTED_EVERY = timedelta(minutes=1)


def create(connection: Connection, now: datetime, login: Login) -> None:
    """Note a sign-in, and forget those that are over."""
    connection.execute(
        delete(logins).where((logins.c.expires_at <= now) | (logins.c.seen_at <= now - IDLE_FOR))
    )
    connection.execute(
        insert(logins).values(
            digest=login.digest, user=login.user, created_at=login.created_at,
            seen_at=login.seen_at, expires_at=login.expires_at, address=login.address,
            agent=login.agent,
        )
    )  # fmt: skip


def find(connection: Connection, now: datetime, digest: str) -> Login | None:
    """The sign-in whose cookie has that digest."""
    row = connection.execute(select(logins).where(logins.c.digest == digest)).first()
    return None if row is None else _login(row)


def seen(connection: Connection, now: datetime, digest: str) -> None:
    """Note that it was used, to the minute."""
    connection.execute(
        update(logins)
        .where(logins.c.digest == digest, logins.c.seen_at < now - SEEN_NOTED_EVERY)
        .values(seen_at=now)
    )


def end(connection: Connection, now: datetime, digest: str) -> None:
    """Sign out."""
    connection.execute(delete(logins).where(logins.c.digest == digest))


def shut_for(connection: Connection, now: datetime, subjects: Sequence[str]) -> timedelta:
    """For how long nobody may guess at any of them; nothing where all may be guessed at."""
    until = connection.scalars(
        select(guesses.c.closed_until).where(
            guesses.c.subject.in_(subjects), guesses.c.closed_until > now
        )
    ).all()
    return max(until, default=now) - now


def guessed(connection: Connection, now: datetime, subjects: Sequence[str]) -> None:
    """Note a wrong guess at each; the more in a row, the longer it is shut."""
    connection.execute(delete(guesses).where(guesses.c.last_at < now - FORGET_GUESSES_AFTER))
    for subject in sorted(subjects):
        times = rates.locked(connection, now, subject).times + 1
        pause = pause_after(times)
        rates.count(connection, now, subject, times, now + pause if pause else None)


def guessed_right(connection: Connection, now: datetime, subject: str) -> None:
    """Forget the wrong guesses at it."""
    connection.execute(delete(guesses).where(guesses.c.subject == subject))


def _login(row: Row[Any]) -> Login:
    return Login(
        digest=row.digest, user=row.user, created_at=row.created_at, seen_at=row.seen_at,
        expires_at=row.expires_at, address=row.address, agent=row.agent,
    )  # fmt: skip
