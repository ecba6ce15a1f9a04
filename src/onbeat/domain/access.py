"""Who may do what: permissions, the roles that bundle them, and whoever asks.

A permission is one verb on one kind of thing. What a principal asks for is allowed by its
permissions alone; which rows it sees is decided by its owner, and a principal without one sees all.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum

from onbeat.domain.errors import Forbidden, InvalidInput

LONGEST_NAME = 100
"""Characters in the name a person signs in with."""

LONGEST_OWNER = 200
"""Characters in an owner: whose a row is, as another issuer's token may name them."""


class Permission(StrEnum):
    """One thing that may be allowed."""

    JOBS_READ = "jobs:read"
    JOBS_ARGUMENTS = "jobs:arguments"
    """See arguments, results, logs and errors: what customers' data may be in."""
    JOBS_ENQUEUE = "jobs:enqueue"
    JOBS_MANAGE = "jobs:manage"
    """Retry and cancel."""
    SCHEDULES_READ = "schedules:read"
    SCHEDULES_WRITE = "schedules:write"
    SCHEDULES_TRIGGER = "schedules:trigger"
    """Trigger, pause, resume, skip, backfill."""
    QUEUES_READ = "queues:read"
    QUEUES_MANAGE = "queues:manage"
    """Pause queues; change limits, breakers and what is kept."""
    WORKERS_READ = "workers:read"
    SERVICES_MANAGE = "services:manage"
    WEBHOOKS_WRITE = "webhooks:write"
    """Say where requests go: webhooks, and jobs of the task `http`."""
    INCIDENTS_READ = "incidents:read"
    INCIDENTS_MANAGE = "incidents:manage"
    """Acknowledge, snooze and resolve incidents; change rules, make silences."""
    CHANNELS_MANAGE = "channels:manage"
    """See and change where incidents are told, and see what was told there."""
    CODE_RUN = "code:run"
    """Give commands to the task `shell`."""
    CRON_TICK = "cron:tick"
    USERS_MANAGE = "users:manage"
    """Users, and everybody's tokens."""
    AUDIT_READ = "audit:read"
    DATABASE_READ = "database:read"
    """See settings, what the doctor finds, environments, and whether the store keeps its laws."""
    DATABASE_MANAGE = "database:manage"
    """Put right what the doctor can."""


_READ = frozenset({
    Permission.JOBS_READ, Permission.SCHEDULES_READ, Permission.QUEUES_READ,
    Permission.WORKERS_READ, Permission.INCIDENTS_READ,
})  # fmt: skip
_OPERATE = _READ | {
    Permission.JOBS_ARGUMENTS, Permission.JOBS_ENQUEUE, Permission.JOBS_MANAGE,
    Permission.SCHEDULES_WRITE, Permission.SCHEDULES_TRIGGER, Permission.QUEUES_MANAGE,
    Permission.SERVICES_MANAGE, Permission.WEBHOOKS_WRITE, Permission.INCIDENTS_MANAGE,
    Permission.CHANNELS_MANAGE,
}  # fmt: skip
_OWN = frozenset({
    Permission.JOBS_READ, Permission.JOBS_ARGUMENTS, Permission.JOBS_MANAGE,
    Permission.SCHEDULES_READ, Permission.SCHEDULES_WRITE, Permission.SCHEDULES_TRIGGER,
    Permission.WEBHOOKS_WRITE,
})  # fmt: skip


class Role(StrEnum):
    """A bundle of permissions with a name."""

    VIEWER = "viewer"
    OPERATOR = "operator"
    ADMIN = "admin"
    OWNER = "owner"
    """Does all there is to do with rows of its own, and sees no others."""

    @property
    def permissions(self) -> frozenset[Permission]:
        """What it allows."""
        return _ALLOWED[self]


_ALLOWED = {
    Role.VIEWER: _READ,
    Role.OPERATOR: _OPERATE,
    Role.ADMIN: frozenset(Permission),
    Role.OWNER: _OWN,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Principal:
    """Whoever asks: a person, a token, another system's user, or the host application's."""

    kind: str
    """`user`, `token`, `jwt`, `host`, `cron`, or `cli`."""
    id: str
    name: str
    permissions: frozenset[Permission] = field(default=frozenset(), repr=False)
    owner: str | None = None
    """Whose rows it sees and touches, and no others; None for everybody's."""

    def may(self, permission: Permission) -> bool:
        """Whether it is allowed."""
        return permission in self.permissions

    def need(self, permission: Permission) -> None:
        """Raises Forbidden, naming what is missing."""
        if permission not in self.permissions:
            raise Forbidden(
                f"{self.name} may not do this: it needs the permission {permission}; ask an admin"
            )

    def __str__(self) -> str:
        """How it is called in records."""
        return f"{self.kind}:{self.name}"


def read_role(text: str, field_name: str = "role") -> Role:
    """The role of that name. Raises InvalidInput."""
    try:
        return Role(text)
    except ValueError:
        raise InvalidInput(
            field_name, f"{text!r} is no role; give one of {', '.join(Role)}"
        ) from None


def read_permissions(texts: Iterable[str], field_name: str = "scopes") -> frozenset[Permission]:
    """The permissions of those names. Raises InvalidInput."""
    found = set()
    for each in texts:
        try:
            found.add(Permission(each))
        except ValueError:
            known = ", ".join(Permission)
            raise InvalidInput(field_name, f"{each!r} is no permission; they are {known}") from None
    return frozenset(found)


def check_user_name(name: str) -> str:
    """The name somebody signs in with, as it is kept. Raises InvalidInput."""
    kept = name.strip().casefold()
    if not 0 < len(kept) <= LONGEST_NAME or not kept.isprintable() or " " in kept:
        raise InvalidInput(
            "name", f"{name!r} is not allowed; give 1 to {LONGEST_NAME} characters, no spaces"
        )
    return kept


def check_owner(owner: str) -> str:
    """An owner. Raises InvalidInput."""
    if not 0 < len(owner) <= LONGEST_OWNER or not owner.isprintable():
        raise InvalidInput(
            "owner", f"{owner[:50]!r} is not allowed; give 1 to {LONGEST_OWNER} characters"
        )
    return owner
