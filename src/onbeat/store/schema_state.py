"""Which schema a database has, and bringing it to the one this Onbeat knows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from importlib.resources import files

from sqlalchemy import Connection, inspect, text

from onbeat.domain.errors import SchemaMissing, SchemaNewer, SchemaOutdated
from onbeat.store import partitions

REVISIONS = ("0001", "0002", "0003", "0004", "0005")
"""Every revision there has been, oldest first; a test holds it against the migrations."""

HEAD = REVISIONS[-1]
VERSION_TABLE = "onbeat_schema"
MIGRATING = int.from_bytes(b"onbeat")
"""The key of the advisory lock that a migration holds."""


@dataclass(frozen=True, slots=True)
class SchemaStatus:
    """The revision a database has, and the one this Onbeat needs."""

    current: str | None
    needed: str = HEAD

    @property
    def is_current(self) -> bool:
        """Whether nothing is to be done."""
        return self.current == self.needed

    @property
    def is_newer(self) -> bool:
        """Whether the database was made by a newer Onbeat."""
        return self.current is not None and self.current not in REVISIONS


def status(connection: Connection) -> SchemaStatus:
    """Read the revision from the database."""
    if not inspect(connection).has_table(VERSION_TABLE):
        return SchemaStatus(None)
    found = connection.execute(text(f"SELECT version_num FROM {VERSION_TABLE}")).scalar()  # noqa: S608
    return SchemaStatus(found)


def check(connection: Connection, needed: str = HEAD) -> None:
    """Raise unless the database has just the schema that is needed."""
    refuse_unless_current(SchemaStatus(status(connection).current, needed))


def refuse_unless_current(found: SchemaStatus) -> None:
    """Raise SchemaMissing, SchemaNewer or SchemaOutdated with what to do."""
    if found.is_current:
        return
    if found.current is None:
        raise SchemaMissing("the database has no Onbeat tables; run `onbeat db migrate`")
    if found.is_newer:
        raise SchemaNewer(
            f"the database has schema {found.current}, made by a newer Onbeat than this one, "
            f"which knows up to {found.needed}; upgrade Onbeat here"
        )
    raise SchemaOutdated(
        f"the database has schema {found.current}, this Onbeat needs {found.needed}; "
        "run `onbeat db migrate`"
    )


def prepare(connection: Connection, now: datetime) -> None:
    """Check a SQLite database; one without any tables of ours is given them."""
    if status(connection).current is None:
        migrate(connection, now)
    check(connection)


def migrate(connection: Connection, now: datetime) -> SchemaStatus:
    """Bring the database to the newest schema; what it had before.

    Others that do the same at the same time wait, and find nothing to do.
    """
    from alembic import command  # noqa: PLC0415 - a third of a second that only migrations need
    from alembic.config import Config  # noqa: PLC0415 - as above

    _take_turn(connection)
    before = status(connection)
    if before.is_newer:
        check(connection)
    config = Config()
    config.set_main_option("script_location", str(files("onbeat.store") / "migrations"))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
    for wanted in partitions.missing(connection, now):
        partitions.make(connection, now, wanted)
    return before


def _take_turn(connection: Connection) -> None:
    """Wait until nobody else migrates this database; the transaction's end passes the turn on.

    It is asked for again and again, as waiting for it would run into the lock timeout. Whoever has
    it cannot keep it for ever: the server ends statements and transactions that take too long.
    """
    if connection.dialect.name != "postgresql":
        return  # SQLite's writer holds the lock file
    while not connection.scalar(text(f"SELECT pg_try_advisory_xact_lock({MIGRATING})")):
        connection.execute(text("SELECT pg_sleep(0.1)"))
