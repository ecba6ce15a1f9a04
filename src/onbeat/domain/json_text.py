"""JSON as text, written one way: jsonb of PostgreSQL comes with spaces, SQLite's as it went in."""

from __future__ import annotations

import msgspec


def compact(text: str) -> str:
    """The JSON text without spaces between its parts; what is no JSON stays as it is."""
    try:
        return msgspec.json.format(text, indent=-1)
    except msgspec.DecodeError:
        return text
