"""What all tables share: the metadata they are in, and how their rows are stored."""

from __future__ import annotations

from typing import Any

from sqlalchemy import MetaData

NARROW: dict[str, Any] = {"sqlite_strict": True, "sqlite_with_rowid": False}
ROWS: dict[str, Any] = {"sqlite_strict": True}
# The three tables every job passes through hold few rows and many dead ones; vacuum them by count.
BUSY: dict[str, Any] = {
    "postgresql_with": {
        "autovacuum_vacuum_scale_factor": "0",
        "autovacuum_vacuum_threshold": "5000",
        "autovacuum_vacuum_cost_delay": "0",
        "vacuum_truncate": "off",
    }
}

metadata = MetaData()

VERSION_TABLE = "onbeat_schema"
"""Holds the revision the database has; Alembic's, and not in the metadata."""
