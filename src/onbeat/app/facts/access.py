"""Users, tokens and the audit log."""

from __future__ import annotations

from typing import Any

from onbeat.app.facts.moments import absolute
from onbeat.domain.audit import Entry
from onbeat.domain.users import ApiToken, User


def user_data(user: User) -> dict[str, Any]:
    """A user for programs."""
    return {
        "name": user.name,
        "role": user.role,
        "grants": sorted(user.grants),
        "permissions": sorted(user.permissions),
        "created_at": absolute(user.created_at),
        "created_by": user.created_by,
        "signed_in_at": absolute(user.signed_in_at),
        "disabled_at": absolute(user.disabled_at),
    }


def token_data(token: ApiToken) -> dict[str, Any]:
    """A token for programs, without its text."""
    return {
        "id": token.id,
        "kind": token.kind,
        "shown": token.shown,
        "name": token.name,
        "user": token.user,
        "scopes": sorted(token.scopes),
        "owner": token.owner,
        "created_at": absolute(token.created_at),
        "created_by": token.created_by,
        "expires_at": absolute(token.expires_at),
        "used_at": absolute(token.used_at),
        "revoked_at": absolute(token.revoked_at),
    }


def entry_data(entry: Entry) -> dict[str, Any]:
    """An entry of the audit log for programs."""
    return {
        "id": entry.id,
        "at": absolute(entry.at),
        "actor_kind": entry.actor_kind,
        "actor_name": entry.actor_name,
        "action": entry.action,
        "subject_kind": entry.subject_kind,
        "subject": entry.subject,
        "before": entry.before,
        "after": entry.after,
        "address": entry.address,
        "request": entry.request,
    }
