"""Commands on people and their sign-ins."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from hashlib import sha256
from typing import Any

from sqlalchemy import Connection

from onbeat.app import passwords
from onbeat.app.context import Context
from onbeat.app.looking import compared, has_changed
from onbeat.domain import api_tokens
from onbeat.domain.access import Permission, Role, check_user_name
from onbeat.domain.errors import InvalidInput, NotFound, TooManyGuesses, Unauthenticated
from onbeat.domain.jobs import check_page
from onbeat.domain.users import LOGIN_FOR, ApiToken, Login, User
from onbeat.store import api_tokens as stored_tokens
from onbeat.store import logins
from onbeat.store import users as stored
from onbeat.store.texts import storable

SETUP_FOR = timedelta(hours=24)
"""How long the link of the first set-up may be used."""

WRONG = "the name or the password is wrong"


class Users:
    """`ob.users`: who may sign in."""

    def __init__(self, context: Context) -> None:
        """Made by the application."""
        self._context = context

    async def create(
        self,
        name: str,
        role: Role,
        *,
        by: str,
        password: str | None = None,
        grants: frozenset[Permission] = frozenset(),
    ) -> User:
        """Add a person. Raises InvalidInput and Conflict."""
        user = await self._new(name, role, by, password, grants)
        hash_of = None if password is None else await passwords.hashed(password)
        return await self._context.change(
            "user.create", ("user", user.name),
            partial(stored.create, user=user, password=hash_of), look=_look(user.name),
        )  # fmt: skip

    async def set_up(self, token: str, name: str, password: str) -> User:
        """Add the first person, an admin, with the one-time token of the first start.

        Raises Unauthenticated, InvalidInput and Conflict.
        """
        check = partial(_check_setup_token, token=token)
        await self._context.read(check)  # first of all: to hash is work that anybody could ask for
        user = await self._new(name, Role.ADMIN, "set-up", password, frozenset())
        hash_of = await passwords.hashed(password)

        def first(connection: Connection, now: datetime) -> User:
            check(connection, now)
            made = stored.create_first(connection, now, user, hash_of)
            stored_tokens.revoke_kind(connection, now, "set")
            return made

        return await self._context.change(
            "user.set_up", ("user", user.name), first, look=_look(user.name)
        )

    async def setup_token(self) -> str | None:
        """A one-time token for the first person, in place of any before; None once one is there."""
        store = await self._context.store()
        text = api_tokens.make("set", secrets.token_bytes(api_tokens.BYTES))
        identity = store.new_id()

        def make(connection: Connection, now: datetime) -> str | None:
            if stored.count(connection, now):
                return None
            stored_tokens.revoke_kind(connection, now, "set")
            token = ApiToken(
                id=identity, kind="set", shown=api_tokens.shown(text), name="first set-up",
                user=None, scopes=frozenset(), owner=None, created_at=now, created_by="start",
                expires_at=now + SETUP_FOR,
            )  # fmt: skip
            stored_tokens.create(connection, now, token, api_tokens.digest(text))
            return text

        return await store.write(make)

    async def are_there(self) -> bool:
        """Whether there is anybody, so that the first set-up is over."""
        return await self._context.read(stored.count) > 0

    async def _new(
        self, name: str, role: Role, by: str, password: str | None, grants: frozenset[Permission]
    ) -> User:
        kept = check_user_name(name)
        if password is not None:
            passwords.check_password(password, name=kept)
        store = await self._context.store()
        now = await store.read(lambda _, now: now)
        return User(
            id=store.new_id(), name=kept, role=role, grants=grants, created_at=now, created_by=by
        )

    async def find(self, name: str) -> User:
        """The user of that name. Raises NotFound."""
        return await self._context.read(partial(stored.find, name=name.strip().casefold()))

    async def list(self, *, after: str = "", limit: int = 100) -> Sequence[User]:
        """Users by name, a page at a time. Raises InvalidInput."""
        check_page(limit)
        return await self._context.read(partial(stored.list_users, after=after, limit=limit))

    async def change(
        self,
        name: str,
        *,
        role: Role | None = None,
        grants: frozenset[Permission] | None = None,
        password: str | None = None,
        disabled: bool | None = None,
    ) -> User:
        """Change what is given; a new password, and being disabled, sign out everywhere. What says
        what is so already leaves no trace.

        Raises NotFound, InvalidInput, and Conflict where no admin would be left.
        """
        kept = check_user_name(name)
        if password is not None:
            passwords.check_password(password, name=kept)
        hash_of = None if password is None else await passwords.hashed(password)
        work = partial(
            stored.change, name=kept, role=role, grants=grants, password=hash_of, disabled=disabled
        )
        user, _ = await self._context.change(
            "user.change", ("user", kept), compared(partial(stored.find, name=kept), work),
            look=_look(kept), is_change=lambda done: hash_of is not None or has_changed(done),
        )  # fmt: skip
        return user

    async def remove(self, name: str) -> None:
        """Delete a person with all tokens. Raises NotFound, Conflict."""
        kept = check_user_name(name)
        await self._context.change(
            "user.remove", ("user", kept), partial(stored.remove, name=kept), look=_look(kept)
        )

    async def sign_in(
        self, name: str, password: str, *, address: str, agent: str
    ) -> tuple[User, str]:
        """The user, and the secret for the cookie. Raises Unauthenticated.

        What is wrong is not told, and takes as long where there is no such user. After five wrong
        guesses at a name, or from an address, both are shut for a while, longer each time: then it
        raises TooManyGuesses, whatever the password is, and whether there is such a user or not.
        """
        kept = storable(name.strip().casefold()[:200])
        subjects = (f"name:{kept}", f"address:{address}")
        user, known = await self._known(kept, password, subjects)
        secret = secrets.token_urlsafe(32)
        fresh = await passwords.hashed(password) if passwords.is_dated(known) else None
        user_id = user.id

        def let_in(connection: Connection, now: datetime) -> None:
            logins.guessed_right(connection, now, subjects[0])
            stored.signed_in(connection, now, user_id, fresh)
            logins.create(connection, now, Login(
                digest=_digest(secret), user=user_id, created_at=now, seen_at=now,
                expires_at=now + LOGIN_FOR, address=address[:100], agent=agent[:200],
            ))  # fmt: skip

        await self._context.change("user.sign_in", ("user", kept), let_in)
        return user, secret

    async def change_own_password(
        self, name: str, current: str, password: str, *, address: str, agent: str
    ) -> tuple[User, str]:
        """Give oneself another password, who knows the `current` one: it signs out everywhere, and
        in anew here. The user, and the secret for the cookie.

        Raises InvalidInput, and TooManyGuesses as signing in does.
        """
        passwords.check_password(password, name=name)
        try:
            await self._known(name, current, (f"name:{name}", f"address:{address}"))
        except TooManyGuesses:
            raise
        except Unauthenticated:
            raise InvalidInput("current", "it is not your password; after five tries you are kept "
                               "out for a while") from None  # fmt: skip
        await self.change(name, password=password)
        return await self.sign_in(name, password, address=address, agent=agent)

    async def _known(self, name: str, password: str, subjects: Sequence[str]) -> tuple[User, str]:
        """Who has that name and password, and its hash. Raises Unauthenticated, TooManyGuesses."""
        store = await self._context.store()
        shut_for = await store.read(partial(logins.shut_for, subjects=subjects))
        if shut_for:
            raise TooManyGuesses(shut_for)
        user, known = await store.read(partial(stored.password_of, name=name)) or (None, None)
        fits = await passwords.fits(password, known)
        if not fits or known is None or user is None or user.disabled_at:
            await store.write(partial(logins.guessed, subjects=subjects))
            raise Unauthenticated(f"{WRONG}; after five tries both are shut for a while")
        return user, known

    async def sign_out(self, secret: str) -> None:
        """End the sign-in of that cookie, if there is one."""
        await self._context.write(partial(logins.end, digest=_digest(secret)))

    async def of_cookie(self, secret: str) -> User | None:
        """Whose sign-in the cookie is; None where it is over."""
        digest = _digest(secret)
        found = await self._context.read(partial(_of_login, digest=digest))
        if found is None:
            return None
        user, is_noted = found
        if not is_noted:
            await self._context.write(partial(logins.seen, digest=digest))
        return user


def _of_login(connection: Connection, now: datetime, digest: str) -> tuple[User, bool] | None:
    """Whose sign-in it is, and whether it is noted that it was used just now."""
    login = logins.find(connection, now, digest)
    if login is None or not login.is_good(now):
        return None
    try:
        user = stored.of_id(connection, now, login.user)
    except NotFound:
        return None
    if user.disabled_at is not None:
        return None
    return user, now - login.seen_at < logins.SEEN_NOTED_EVERY


def _look(name: str) -> Any:
    def look(connection: Connection, now: datetime) -> Mapping[str, Any] | None:
        try:
            user = stored.find(connection, now, name)
        except NotFound:
            return None
        return {
            "role": user.role, "grants": sorted(user.grants),
            "disabled": user.disabled_at is not None,
        }  # fmt: skip

    return look


def _digest(secret: str) -> str:
    return sha256(secret.encode()).hexdigest()


def _check_setup_token(connection: Connection, now: datetime, token: str) -> None:
    """Raise Unauthenticated unless it is the one that the first start told."""
    found = stored_tokens.of_digest(connection, now, api_tokens.digest(token))
    if found is None or found.kind != "set" or not found.is_good(now):
        raise Unauthenticated(
            "the set-up token is used, over or wrong; open the link that the last start printed (a "
            "new start prints another), or on the server: `onbeat users create NAME --role admin "
            "--password`"
        )
