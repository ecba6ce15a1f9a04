"""`onbeat db`: the schema of the database."""

from __future__ import annotations

import time
from typing import Any

from onbeat.app.facts.database import environment_data, schema_data
from onbeat.app.facts.verify import report_data
from onbeat.cli.command import command, noun
from onbeat.cli.errors import Unsound
from onbeat.cli.invocation import Invocation, file_of
from onbeat.cli.output.tables import Cell, Column
from onbeat.cli.output.words import many
from onbeat.cli.views.verify import Progress, report_lines
from onbeat.domain.errors import SchemaMissing, SchemaNewer, SchemaOutdated, StoreError
from onbeat.domain.url_passwords import hide_passwords
from onbeat.store.schema_state import REVISIONS, SchemaStatus

ENVIRONMENTS = (Column("ENVIRONMENT"), Column("SCHEMA"), Column("STATE", bends=True))

db = noun("Bring the database to the schema Onbeat needs, and check it.")


@command(db, "migrate", "onbeat db migrate --db postgresql://onbeat@localhost/shop")
async def migrate(asked: Invocation) -> None:
    """Bring the database to the schema this Onbeat needs.

    One that has it already is left alone."""
    ob = asked.without_app().onbeat
    asked.check_file(ob.url, creates=True)
    asked.out.told(f"database {hide_passwords(ob.url)}")
    began = time.monotonic()
    before = await ob.migrate()
    took = time.monotonic() - began
    applied = _missing(before)
    for revision in applied:
        asked.out.told(f"  schema {revision} applied")
    answer = {
        "database": hide_passwords(ob.url),
        "environment": ob.environment,
        "before": before.current,
        "current": before.needed,
        "applied": applied,
        "duration_s": round(took, 3),
    }
    done = f"done in {took:.1f} s" if applied else f"nothing to do: it has {before.needed} already"
    asked.out.show(answer, lambda: [done])


def _missing(status: SchemaStatus) -> list[str]:
    if status.current is None:
        return list(REVISIONS)
    return list(REVISIONS[REVISIONS.index(status.current) + 1 :])


@command(db, "status", "onbeat db status")
async def status(asked: Invocation) -> None:
    """Show which schema the database has, and which it needs."""
    answer, found = await _look(asked)
    asked.out.show(answer, lambda: _lines(answer, found))


@command(db, "check", "onbeat db check || onbeat db migrate")
async def check(asked: Invocation) -> None:
    """Exit 0 when the schema is current, else 5.

    A database that is out of reach is 5 too."""
    answer, found = await _look(asked)
    refusal = _refusal(found)
    if refusal is not None:
        raise refusal
    asked.out.show(answer, lambda: [f"the schema is current: {answer['current']}"])


@command(db, "environments", "onbeat db environments --db postgresql://onbeat@localhost/shop")
async def environments(asked: Invocation) -> None:
    """List the environments in the database, each with its schema version.

    The first line, without a name, is what is there without an environment."""
    ob = asked.without_app().onbeat
    found = await ob.database.environments()
    answer = {"environments": [environment_data(each) for each in found]}
    rows = [_environment_row(each) for each in found]
    asked.out.show(answer, lambda: asked.out.table(ENVIRONMENTS, rows))
    if not found and not asked.json:
        asked.out.note("nothing of Onbeat's is in this database; `onbeat db migrate` makes it")


def _environment_row(found: SchemaStatus) -> list[Cell]:
    told = "current" if found.is_current else found.remedy
    if found.current is None:
        told = "may not be read"
    return [found.environment or "-", found.current or "?", told]


@command(db, "verify", "onbeat db verify --db postgresql://onbeat@localhost/shop")
async def verify(asked: Invocation) -> None:
    """Check that the store keeps its own laws: no job lost, doubled or ended by the wrong attempt.

    Reads everything in small chunks and changes nothing; it may run while workers do. Exits 1 and
    tells which ids are concerned when a law is broken."""
    progress = Progress()
    began = time.monotonic()
    async with asked.without_app().connected() as ob:
        report = await ob.database.verify(progress.tell)
    took = time.monotonic() - began
    progress.clear()
    asked.out.show(report_data(report, took), lambda: report_lines(report, took))
    if report.breaches:
        broken = list(dict.fromkeys(str(each.law) for each in report.breaches))
        raise Unsound(f"{many(len(broken), 'law')} of the store broken: {', '.join(broken)}")


async def _look(asked: Invocation) -> tuple[dict[str, Any], SchemaStatus]:
    """The database's schema; a SQLite file that is not there is not made by looking."""
    ob = asked.without_app().onbeat
    path = file_of(ob.url)
    found = SchemaStatus(None, environment=ob.environment)
    if path is None or path.exists():
        found = await ob.schema()
    answer = schema_data(ob.url, found)
    return answer, found


def _lines(answer: dict[str, Any], found: SchemaStatus) -> list[str]:
    refusal = _refusal(found)
    return [
        f"database  {answer['database']}",
        f"schema    {answer['current'] or 'none'}",
        f"needed    {answer['needed']}",
        "current" if refusal is None else str(refusal),
    ]


def _refusal(found: SchemaStatus) -> StoreError | None:
    if found.is_current:
        return None
    if found.current is None:
        return SchemaMissing(f"the database has no Onbeat tables; {found.remedy}")
    if found.is_newer:
        return SchemaNewer(f"schema {found.current} is of a newer Onbeat than this; {found.remedy}")
    return SchemaOutdated(f"schema {found.current} is older than {found.needed}; {found.remedy}")
