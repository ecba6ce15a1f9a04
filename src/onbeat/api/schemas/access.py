"""People, tokens and the audit log, as they are sent and answered."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pydantic import Field, SecretStr

from onbeat.api.bodies import Answer, Body
from onbeat.domain.access import Permission, Role


class UserOut(Answer):
    """A person who may sign in."""

    name: str
    role: Role
    grants: list[Permission] = Field(description="What may be done besides what the role allows.")
    permissions: list[Permission] = Field(description="All that may be done.")
    created_at: datetime
    created_by: str
    signed_in_at: datetime | None
    disabled_at: datetime | None


class UserIn(Body):
    """A person to add."""

    name: str = Field(max_length=200, examples=["ann"])
    role: Role
    password: SecretStr | None = Field(None, description="12 to 256 characters.")
    grants: list[Permission] = Field([], max_length=50)


class UserChange(Body):
    """What is to change of a person."""

    role: Role | None = None
    grants: list[Permission] | None = Field(None, max_length=50)
    password: SecretStr | None = None
    disabled: bool | None = None


class TokenOut(Answer):
    """A token; its text is never shown again."""

    id: str
    kind: str
    shown: str = Field(description="How it begins.")
    name: str
    user: str | None = Field(description="Whose it is; null for a service's own.")
    scopes: list[Permission]
    owner: str | None
    created_at: datetime
    created_by: str
    expires_at: datetime | None
    used_at: datetime | None = Field(description="To the minute.")
    revoked_at: datetime | None


class TokenMade(TokenOut):
    """A token just made."""

    token: str = Field(description="Its text. It is shown now, and never again.")


class TokenIn(Body):
    """A token to make."""

    name: str = Field(min_length=1, max_length=100, description="What it is for.", examples=["ci"])
    scopes: list[Permission] = Field(min_length=1, max_length=50)
    service: bool = Field(False, description="A service's own, of no user: for admins.")
    owner: str | None = Field(None, max_length=200, description="Whose rows alone it sees.")
    expires_in_days: float | None = Field(90, gt=0, le=3650, description="null: until revoked.")


class EntryOut(Answer):
    """One change."""

    id: str
    at: datetime
    actor_kind: str
    actor_name: str
    action: str
    subject_kind: str
    subject: str
    before: dict[str, Any] | None
    after: dict[str, Any] | None
    address: str | None
    request: str | None
