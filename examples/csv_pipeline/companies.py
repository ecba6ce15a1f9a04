"""The companies whose files come in: listed in `companies.csv`, kept in a table."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy import Connection, select, update

from examples.csv_pipeline.tables import companies, put

LIST = "companies.csv"
SOURCES = ("file", "http")
ANALYSES = ("direct", "batch")
COLUMNS = ("id", "name", "region", "source", "analysis")
LONGEST_ID = 100


@dataclass(frozen=True, slots=True)
class Company:
    """One of them."""

    id: str
    name: str
    region: str
    source: str
    analysis: str


def listed(folder: Path) -> tuple[list[Company], list[str]]:
    """Those in the folder's list, and what is wrong with the rows of others; no list, nobody."""
    path = folder / LIST
    if not path.exists():
        return [], []
    known: list[Company] = []
    problems: list[str] = []
    try:
        for row in _rows(path):
            company = Company(*((row[name] or "").strip() for name in COLUMNS))
            if (problem := _problem(company)) is None:
                known.append(company)
            else:
                problems.append(f"{path}: {company.id!r}: {problem}")
    except (OSError, csv.Error, KeyError) as error:
        problems.append(f"{path} wants the columns {','.join(COLUMNS)}: {error!r}")
    return known, problems


def _rows(path: Path) -> csv.DictReader[str]:
    content = path.read_bytes()
    try:
        text = content.decode("utf-8-sig")  # as spreadsheets write it
    except UnicodeDecodeError:
        text = content.decode("cp1252", errors="replace")
    delimiter = max(",;\t", key=text.partition("\n")[0].count)
    return csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter)


def _problem(company: Company) -> str | None:
    """Why it can be none of ours: its id is a key of services, and the name of a folder."""
    name = company.id
    if name in ("", ".", "..") or "/" in name or " " in name or not name.isprintable():
        return "its id is to be a name without spaces and slashes"
    if len(name) > LONGEST_ID:
        return f"its id is longer than {LONGEST_ID} characters"
    if company.source not in SOURCES or company.analysis not in ANALYSES:
        return f"source is one of {SOURCES}, analysis one of {ANALYSES}"
    return None


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


def last_error(connection: Connection, now: datetime, company: str) -> str | None:
    """What was noted of it."""
    asked = select(companies.c.last_error).where(companies.c.id == company)
    found: str | None = connection.execute(asked).scalar_one()
    return found


def note(connection: Connection, now: datetime, company: str, error: str | None) -> None:
    """What was wrong when its files were last looked at, if anything."""
    values = {"last_error": error, "last_import_at": now.isoformat()}
    connection.execute(update(companies).where(companies.c.id == company).values(values))
