"""What every test may ask for."""

from __future__ import annotations

import asyncio
import os
import shutil
import uuid
import zoneinfo
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import pytest
from hypothesis import settings

from onbeat.store.opening import open_store
from onbeat.store.schema_state import migrate
from onbeat.store.store import Store
from onbeat.timing import Timing
from tests.servers.postgres import PostgresDatabases, running_server, swift_place
from tests.timing import ManualTiming

TEMPLATE = "onbeat_template"

# Of the processes that tests start many run at once, and the API has one port.
os.environ.setdefault("ONBEAT_API", "false")

# Thousands of small databases are made and removed, and none must outlive the machine.
os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(swift_place()))

# Where tests ask zoneinfo, or a peer of ours that does, the answer must be by the same rules.
zoneinfo.reset_tzpath(())

# A shared machine stalls for longer than any deadline that would say something about the code.
settings.register_profile("onbeat", deadline=None)
settings.load_profile("onbeat")


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresDatabases]:
    """A PostgreSQL server, started by the first test of this process that asks for one."""
    with running_server() as server:
        yield server


@pytest.fixture
def postgres_url(postgres_server: PostgresDatabases) -> Iterator[str]:
    """The URL of an empty database of this test's own."""
    with _database(postgres_server) as url:
        yield url


@pytest.fixture(scope="session")
def postgres_template(postgres_server: PostgresDatabases) -> Iterator[str]:
    """The name of a migrated database, made once, that others are copied from."""
    name = f"{TEMPLATE}_{uuid.uuid4().hex}"
    asyncio.run(_migrate(postgres_server.create_database(name)))
    yield name
    postgres_server.drop_database(name)


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated file, made once, that others are copied from."""
    path = tmp_path_factory.mktemp("template") / "onbeat.db"
    asyncio.run(_migrate(f"sqlite:///{path}"))
    return path


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of a migrated, empty database of this test's own, on either engine."""
    if request.param == "sqlite":
        path = shutil.copy(request.getfixturevalue("sqlite_template"), tmp_path / "onbeat.db")
        yield f"sqlite:///{path}"
        return
    template = request.getfixturevalue("postgres_template")
    with _database(request.getfixturevalue("postgres_server"), template) as url:
        yield url


@pytest.fixture
def timing() -> ManualTiming:
    """The time `store` lives by: it stands still until the test moves it."""
    return ManualTiming()


@pytest.fixture
async def store(database_url: str, timing: ManualTiming) -> AsyncIterator[Store]:
    """An open store on a database of this test's own, on either engine, in manual time."""
    async with opened(database_url, timing) as store:
        yield store


@pytest.fixture
async def other_store(
    store: Store, database_url: str, timing: ManualTiming
) -> AsyncIterator[Store]:
    """A second store on the database of `store`, as another process would have."""
    async with opened(database_url, timing) as other:
        yield other


@asynccontextmanager
async def opened(url: str, timing: Timing | None = None) -> AsyncIterator[Store]:
    """Open a store and close it again."""
    store = open_store(url, timing=timing)
    try:
        await store.open()
        yield store
    finally:
        await store.close()


@contextmanager
def _database(server: PostgresDatabases, template: str | None = None) -> Iterator[str]:
    name = f"onbeat_{uuid.uuid4().hex}"
    yield server.create_database(name, template)
    server.drop_database(name)


async def _migrate(url: str) -> None:
    store = open_store(url, timing=ManualTiming())
    try:
        await store.write(migrate)
    finally:
        await store.close()
