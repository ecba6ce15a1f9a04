"""The schema of the database and its environments, for programs."""

from __future__ import annotations

from typing import Any

from onbeat.domain.url_passwords import hide_passwords
from onbeat.store.schema_state import SchemaStatus


def schema_data(url: str, found: SchemaStatus) -> dict[str, Any]:
    """Which schema it has, and which this Onbeat needs."""
    return {
        "database": hide_passwords(url),
        "environment": found.environment,
        "current": found.current,
        "needed": found.needed,
        "is_current": found.is_current,
        "is_newer": found.is_newer,
    }


def environment_data(found: SchemaStatus) -> dict[str, Any]:
    """One of the environments; a schema that may not be read is null."""
    return {
        "environment": found.environment,
        "schema": found.current,
        "is_current": found.is_current,
    }
