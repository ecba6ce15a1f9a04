"""People, their tokens and sign-ins, and how long a wrong guess keeps the door shut. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from onbeat.domain.access import Permission, Principal, Role

LOGIN_FOR = timedelta(days=14)
"""How long a sign-in lasts at most."""

IDLE_FOR = timedelta(days=2)
"""How long it lasts without being used."""

TOKEN_FOR = timedelta(days=90)
"""How long a token lasts where nothing is said."""

FREE_GUESSES = 5
"""Wrong guesses in a row that cost nothing."""

FIRST_PAUSE = timedelta(seconds=2)
LONGEST_PAUSE = timedelta(minutes=15)
"""After more, the door is shut for so long, twice as long after each."""

FORGET_GUESSES_AFTER = timedelta(hours=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """A person who may sign in."""

    id: str
    name: str
    role: Role
    grants: frozenset[Permission] = frozenset()
    """What may be done besides what the role allows."""
    created_at: datetime
    created_by: str
    signed_in_at: datetime | None = None
    disabled_at: datetime | None = None
    has_password: bool = False

    @property
    def permissions(self) -> frozenset[Permission]:
        """All that may be done."""
        return self.role.permissions | self.grants

    def principal(self) -> Principal:
        """Who asks, when this person does."""
        owner = self.name if self.role is Role.OWNER else None
        return Principal(
            kind="user", id=self.id, name=self.name, permissions=self.permissions, owner=owner
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiToken:
    """A token as it is on record; its text was shown once."""

    id: str
    kind: str
    shown: str
    name: str
    user: str | None
    """Whose it is; None for a service's own."""
    scopes: frozenset[Permission]
    owner: str | None
    created_at: datetime
    created_by: str
    expires_at: datetime | None
    used_at: datetime | None = None
    revoked_at: datetime | None = None

    def is_good(self, now: datetime) -> bool:
        """Whether it lets anybody in."""
        return self.revoked_at is None and (self.expires_at is None or now < self.expires_at)

    def principal(self, user: User | None) -> Principal:
        """Who asks with it. A person's token allows no more than the person may by now."""
        allowed = self.scopes if user is None else self.scopes & user.permissions
        owner = self.owner
        if user is not None and owner is None:
            owner = user.principal().owner
        return Principal(kind="token", id=self.id, name=self.name, permissions=allowed, owner=owner)


@dataclass(frozen=True, slots=True, kw_only=True)
class Login:
    """A sign-in of a person in a browser."""

    digest: str = field(repr=False)
    user: str
    created_at: datetime
    seen_at: datetime
    expires_at: datetime
    address: str
    agent: str

    def is_good(self, now: datetime) -> bool:
        """Whether it lets its person in."""
        return now < self.expires_at and now - self.seen_at < IDLE_FOR


def pause_after(guesses: int) -> timedelta:
    """For how long nobody may guess again after so many wrong guesses in a row."""
    if guesses < FREE_GUESSES:
        return timedelta()
    return min(FIRST_PAUSE * (1 << min(guesses - FREE_GUESSES, 20)), LONGEST_PAUSE)
