"""Which environments there are in a database."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from sqlalchemy import Connection

from onbeat.domain.environments import in_environment, is_environment, without_environment
from onbeat.domain.errors import StoreError
from onbeat.store import schema_state
from onbeat.store.opening import open_store, scheme_of
from onbeat.store.postgres.schemas import all_environments
from onbeat.store.schema_state import SchemaStatus
from onbeat.store.sqlite.connections import database_path, file_in


async def list_environments(url: str) -> list[SchemaStatus]:
    """What has tables in the database: first what is in no environment, then each that is there.

    A version that may not be read is None. Raises StoreError.
    """
    bare = without_environment(url)
    if scheme_of(url) == "sqlite":
        path = database_path(bare)
        found = [await _in_file(bare, name) for name in _names(path)]
        return [each for each in found if each is not None]
    store = open_store(bare)
    try:
        return await store.read(_in_schemas)
    finally:
        await store.close()


def _in_schemas(connection: Connection, _now: datetime) -> list[SchemaStatus]:
    bare = schema_state.status(connection)
    others = [
        SchemaStatus(version, environment=name)
        for name, version in all_environments(connection).items()
    ]
    return others if bare.current is None else [bare, *others]


def _names(path: Path | None) -> Iterator[str | None]:
    """None for the file itself, then the environments that have one beside it."""
    if path is None:
        return
    if path.exists():
        yield None
    beside = path.parent.iterdir() if path.parent.is_dir() else ()
    for each in sorted(beside):
        name = each.name.removeprefix(f"{path.stem}.").removesuffix(path.suffix)
        if is_environment(name) and each == file_in(path, name) and each.is_file():
            yield name


async def _in_file(bare: str, name: str | None) -> SchemaStatus | None:
    """None for a file without our tables; it is somebody else's."""
    store = open_store(in_environment(bare, name))
    try:
        found = await store.read(lambda connection, _: schema_state.status(connection))
    except StoreError:
        return SchemaStatus(None, environment=name)
    finally:
        await store.close()
    return None if found.current is None else SchemaStatus(found.current, environment=name)
