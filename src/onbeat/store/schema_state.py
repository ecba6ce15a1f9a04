"""Which schema a database has, and bringing it to the one this Onbeat knows."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from importlib.resources import files

from sqlalchemy import Connection, inspect, text

from onbeat.domain.errors import SchemaMissing, SchemaNewer, SchemaOutdated
from onbeat.store import partitions
from onbeat.store.postgres import schemas
from onbeat.store.schema import VERSION_TABLE

REVISIONS = (
    "0001", "0002", "0003", "0004", "0005", "0006", "0007", "0008", "0009", "0010",
    "0011", "0012", "0013", "0015", "0017", "0019", "0021", "0023", "0024", "0025", "0026",
)  # fmt: skip
"""Every revision there has been, oldest first; a test holds it against the migrations."""

HEAD = REVISIONS[-1]
MIGRATING = int.from_bytes(b"onbeat")
"""The key of the advisory lock that a migration holds; an environment's is made of its name."""


@dataclass(frozen=True, slots=True)
class SchemaStatus:
    """The revision a database has, and the one this Onbeat needs."""

    current: str | None
    needed: str = HEAD
    environment: str | None = None

    @property
    def is_current(self) -> bool:
        """Whether nothing is to be done."""
        return self.current == self.needed

    @property
    def is_newer(self) -> bool:
        """Whether the database was made by a newer Onbeat."""
        return self.current is not None and self.current not in REVISIONS

    @property
    def remedy(self) -> str:
        """What to do where it is not current."""
        if self.is_newer:
            return "upgrade Onbeat here"
        option = "" if self.environment is None else f" --environment {self.environment}"
        return f"run `onbeat db migrate{option}`"


def status(connection: Connection) -> SchemaStatus:
    """Read the revision from the database."""
    found, environment = None, schemas.environment_on(connection)
    if _has_versions(connection):
        found = connection.scalar(text(f"SELECT version_num FROM {VERSION_TABLE}"))  # noqa: S608
    return SchemaStatus(found, environment=environment)


def _has_versions(connection: Connection) -> bool:
    if connection.dialect.name == "postgresql":
        return connection.scalar(text(f"SELECT to_regclass('{VERSION_TABLE}')")) is not None
    return inspect(connection).has_table(VERSION_TABLE)


def check(connection: Connection, needed: str = HEAD) -> None:
    """Raise unless the database has just the schema that is needed."""
    refuse_unless_current(replace(status(connection), needed=needed))


def refuse_unless_current(found: SchemaStatus) -> None:
    """Raise SchemaMissing, SchemaNewer or SchemaOutdated with what to do."""
    if found.is_current:
        return
    where = "the database"
    if found.environment is not None:
        where = f"environment {found.environment!r} of the database"
    if found.current is None:
        raise SchemaMissing(f"{where} has no Onbeat tables; {found.remedy}")
    if found.is_newer:
        raise SchemaNewer(
            f"{where} has schema {found.current}, made by a newer Onbeat than this one, "
            f"which knows up to {found.needed}; {found.remedy}"
        )
    raise SchemaOutdated(
        f"{where} has schema {found.current}, this Onbeat needs {found.needed}; {found.remedy}"
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

    environment = schemas.environment_on(connection)
    _take_turn(connection, environment)
    if environment is not None:
        schemas.enter(connection, environment)
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


def _take_turn(connection: Connection, environment: str | None) -> None:
    """Wait until nobody else migrates this environment; the transaction's end passes the turn on.

    It is asked for again and again, as waiting for it would run into the lock timeout. Whoever has
    it cannot keep it for ever: the server ends statements and transactions that take too long.
    """
    if connection.dialect.name != "postgresql":
        return  # SQLite's writer holds the lock file
    key = str(MIGRATING)
    if environment is not None:
        key = f"hashtextextended('onbeat.migrating.{environment}', 0)"
    while not connection.scalar(text(f"SELECT pg_try_advisory_xact_lock({key})")):
        connection.execute(text("SELECT pg_sleep(0.1)"))
