"""The companies whose files come in: listed in `companies.csv`, kept in a table."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy import Connection, select, update

from examples.csv_pipeline.tables import companies, put
from onbeat import InvalidInput

LIST = "companies.csv"
SOURCES = ("file", "http")
ANALYSES = ("direct", "batch")


@dataclass(frozen=True, slots=True)
class Company:
    """One of them."""

    id: str
    name: str
    region: str
    source: str
    analysis: str


def listed(folder: Path) -> list[Company]:
    """Those in the folder's list; none where there is no list. Raises InvalidInput."""
    path = folder / LIST
    if not path.exists():
        return []
    with path.open(newline="", encoding="utf-8") as file:
        try:
            found = [Company(**row) for row in csv.DictReader(file)]
        except TypeError:
            told = f"{path} wants the columns id,name,region,source,analysis"
            raise InvalidInput(LIST, told) from None
    for each in found:
        if each.source not in SOURCES or each.analysis not in ANALYSES:
            told = f"{each.id}: source is one of {SOURCES}, analysis one of {ANALYSES}"
            raise InvalidInput(LIST, told)
    return found


def mark(folder: Path) -> int | None:
    """What tells one state of the list from another; None where there is none."""
    path = folder / LIST
    return path.stat().st_mtime_ns if path.exists() else None


def take_in(connection: Connection, now: datetime, known: Sequence[Company]) -> None:
    """Have these, beside those that are there."""
    values = [{column: getattr(each, column) for column in Company.__slots__} for each in known]
    put(connection, companies, values, change=("name", "region", "source", "analysis"))


def ids(
    connection: Connection, now: datetime, region: str | None, analysis: str | None = None
) -> list[str]:
    """Of a region, or of all; of one kind of analysis, or of both."""
    asked = select(companies.c.id).order_by(companies.c.id)
    if region is not None:
        asked = asked.where(companies.c.region == region)
    if analysis is not None:
        asked = asked.where(companies.c.analysis == analysis)
    return list(connection.execute(asked).scalars())


def find(connection: Connection, now: datetime, company: str) -> Company:
    """One by its id."""
    columns = [companies.c[name] for name in Company.__slots__]
    return Company(*connection.execute(select(*columns).where(companies.c.id == company)).one())


def note(connection: Connection, now: datetime, company: str, error: str | None) -> None:
    """What was wrong when its files were last looked at, if anything."""
    values = {"last_error": error, "last_import_at": now.isoformat()}
    connection.execute(update(companies).where(companies.c.id == company).values(values))
