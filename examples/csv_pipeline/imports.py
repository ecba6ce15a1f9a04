"""What is on record of files and of how far each has been read.

Each piece of rows is one transaction with the count of rows that are done, which must be what the
reader thinks: so a row is taken once, whoever was killed or went on too long.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, select, update

from examples.csv_pipeline.reading import Row
from examples.csv_pipeline.sources import Found
from examples.csv_pipeline.tables import files, imports, put, rows

UNFETCHED = "unfetched"


class Overtaken(Exception):
    """Another instance goes on with this file."""


@dataclass(frozen=True, slots=True)
class Import:
    """A content of a company; it is imported once, under whatever names it comes."""

    id: str
    company: str
    name: str
    """Under which it came first."""
    rows_done: int
    is_done: bool


@dataclass(frozen=True, slots=True)
class Seen:
    """A file when it was last seen to."""

    mark: str
    outcome: str
    note: str | None

    @property
    def is_wrong(self) -> bool:
        """Whether its rows are not there."""
        return self.outcome in ("broken", UNFETCHED)

    @property
    def missed_at(self) -> str:
        """When it could not be fetched; before all moments for any other."""
        return self.mark if self.outcome == UNFETCHED else ""


def seen(connection: Connection, now: datetime, company: str) -> Mapping[str, Seen]:
    """The files of a company that were seen to, by their names."""
    asked = select(files).where(files.c.company == company)
    return {
        each.name: Seen(each.mark, each.outcome, each.note) for each in connection.execute(asked)
    }


def begin(
    connection: Connection, now: datetime, new_id: str, company: str, name: str, sha256: str,
    rows_all: int, by: str,
) -> Import:  # fmt: skip
    """The import of this content: a new one, or the one there is."""
    put(connection, imports, [{
        "id": new_id, "company": company, "name": name, "sha256": sha256, "state": "reading",
        "rows_all": rows_all, "rows_done": 0, "begun_by": by, "begun_at": now.isoformat(),
    }])  # fmt: skip
    is_it = (imports.c.company == company) & (imports.c.sha256 == sha256)
    found = connection.execute(select(imports).where(is_it)).one()
    return Import(found.id, company, found.name, found.rows_done, found.state == "imported")


def take(connection: Connection, now: datetime, of: Import, done: int, piece: Sequence[Row]) -> int:
    """Store the next rows; how many are done then. Raises Overtaken."""
    reached = done + len(piece)
    moved = connection.execute(
        update(imports)
        .where(imports.c.id == of.id, imports.c.rows_done == done, imports.c.state == "reading")
        .values(rows_done=reached)
    )
    if moved.rowcount != 1:
        raise Overtaken(f"{of.company}: another instance imports this file")
    put(connection, rows, [
        {"import_id": of.id, "line": each.line, "company": of.company,
         "body": json.dumps(each.fields), "reason": each.problem,
         "state": "refused" if each.problem else "waiting"}
        for each in piece
    ])  # fmt: skip
    return reached


def end(connection: Connection, now: datetime, of: Import, by: str) -> None:
    """All rows are there."""
    connection.execute(
        update(imports)
        .where(imports.c.id == of.id, imports.c.state == "reading")
        .values(state="imported", ended_by=by, ended_at=now.isoformat())
    )


def settle(
    connection: Connection, now: datetime, company: str, file: Found, outcome: str,
    note: str | None = None,
) -> None:  # fmt: skip
    """A file has been seen to, until it changes."""
    seen = {"company": company, "name": file.name, "mark": file.mark, "outcome": outcome,
            "note": note}  # fmt: skip
    put(connection, files, [seen], change=("mark", "outcome", "note"))


def missed(connection: Connection, now: datetime, company: str, name: str, note: str) -> None:
    """A file could not be had: it is as good as new, and its turn comes after the others'."""
    mark = f"{UNFETCHED} {now.isoformat()}"  # which no source says
    settle(connection, now, company, Found(name, mark), UNFETCHED, note)
