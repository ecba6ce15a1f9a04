"""People who may sign in, cold."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import msgspec
from sqlalchemy import ColumnElement, Connection, Row, delete, func, insert, select, update

from onbeat.domain.access import Permission, Role
from onbeat.domain.errors import Conflict, NotFound
from onbeat.domain.users import User
from onbeat.store.schema import logins, tokens, users


def create(connection: Connection, now: datetime, user: User, password: str | None) -> User:
    """Add a person. Raises Conflict where the name is taken."""
    if connection.scalar(select(users.c.id).where(users.c.name == user.name)) is not None:
        raise Conflict(f"there is a user named {user.name!r} already; give another name")
    connection.execute(
        insert(users).values(
            id=user.id, name=user.name, role=user.role, grants=_encoded(user.grants),
            password=password, created_at=now, created_by=user.created_by,
        )
    )  # fmt: skip
    return find(connection, now, user.name)


def create_first(connection: Connection, now: datetime, user: User, password: str) -> User:
    """Add the first person. Raises Conflict where somebody is there."""
    if count(connection, now):
        raise Conflict("there are users already; ask one of them who is an admin")
    return create(connection, now, user, password)


def count(connection: Connection, now: datetime) -> int:
    """How many there are."""
    return connection.scalar(select(func.count()).select_from(users)) or 0


def find(connection: Connection, now: datetime, name: str) -> User:
    """The user of that name. Raises NotFound."""
    return _found(connection, users.c.name == name, f"no user named {name!r}")


def of_id(connection: Connection, now: datetime, user: str) -> User:
    """The user of that id. Raises NotFound."""
    return _found(connection, users.c.id == user, f"no user {user}")


def list_users(
    connection: Connection, now: datetime, *, after: str = "", limit: int = 100
) -> Sequence[User]:
    """Users by name."""
    rows = connection.execute(
        select(users).where(users.c.name > after).order_by(users.c.name).limit(limit)
    )
    return [_user(row) for row in rows]


def password_of(connection: Connection, now: datetime, name: str) -> tuple[User, str | None] | None:
    """The user of that name and the hash of the password."""
    row = connection.execute(select(users).where(users.c.name == name)).first()
    return None if row is None else (_user(row), row.password)


def change(
    connection: Connection,
    now: datetime,
    name: str,
    *,
    role: Role | None = None,
    grants: frozenset[Permission] | None = None,
    password: str | None = None,
    disabled: bool | None = None,
) -> User:
    """Change what is given. Raises NotFound, and Conflict where no admin would be left.

    Who is disabled, and whose password changes, is signed out everywhere.
    """
    before = find(connection, now, name)
    values: dict[str, object] = {}
    if role is not None:
        values["role"] = role
    if grants is not None:
        values["grants"] = _encoded(grants)
    if password is not None:
        values["password"] = password
    if disabled is not None:
        values["disabled_at"] = (before.disabled_at or now) if disabled else None
    if values:
        connection.execute(update(users).where(users.c.id == before.id).values(**values))
    if password is not None or disabled:
        connection.execute(delete(logins).where(logins.c.user == before.id))
    if _is_admin(before):
        _refuse_without_admin(connection)
    return find(connection, now, name)


def remove(connection: Connection, now: datetime, name: str) -> User:
    """Delete a person with all tokens and sign-ins. Raises NotFound and Conflict."""
    user = find(connection, now, name)
    connection.execute(delete(users).where(users.c.id == user.id))
    connection.execute(delete(logins).where(logins.c.user == user.id))
    connection.execute(delete(tokens).where(tokens.c.user == user.id))
    if _is_admin(user):
        _refuse_without_admin(connection)
    return user


def signed_in(connection: Connection, now: datetime, user: str, password: str | None) -> None:
    """Note that somebody did; with a new hash where the old one was made with less care."""
    values: dict[str, object] = {"signed_in_at": now}
    if password is not None:
        values["password"] = password
    connection.execute(update(users).where(users.c.id == user).values(**values))


def _is_admin(user: User) -> bool:
    return user.role is Role.ADMIN and user.disabled_at is None


def _refuse_without_admin(connection: Connection) -> None:
    admins = (users.c.role == Role.ADMIN) & users.c.disabled_at.is_(None)
    if connection.scalar(select(users.c.id).where(admins).with_for_update().limit(1)) is None:
        raise Conflict("no admin would be left; make somebody else one first")


def _found(connection: Connection, which: ColumnElement[bool], told: str) -> User:
    row = connection.execute(select(users).where(which)).first()
    if row is None:
        raise NotFound(told, "users")
    return _user(row)


def _user(row: Row[tuple[object, ...]]) -> User:
    known = msgspec.json.decode(row.grants)
    return User(
        id=row.id, name=row.name, role=Role(row.role),
        grants=frozenset(Permission(each) for each in known),
        created_at=row.created_at, created_by=row.created_by, signed_in_at=row.signed_in_at,
        disabled_at=row.disabled_at, has_password=row.password is not None,
    )  # fmt: skip


def _encoded(grants: frozenset[Permission]) -> str:
    return msgspec.json.encode(sorted(grants)).decode()
