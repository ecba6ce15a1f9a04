"""What every test may ask for."""

from __future__ import annotations

import uuid
from collections.abc import Iterator

import pytest

from tests.servers.postgres import PostgresDatabases, running_server


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresDatabases]:
    """A PostgreSQL server, started by the first test of this process that asks for one."""
    with running_server() as server:
        yield server


@pytest.fixture
def postgres_url(postgres_server: PostgresDatabases) -> Iterator[str]:
    """The URL of an empty database of this test's own."""
    name = f"onbeat_{uuid.uuid4().hex}"
    yield postgres_server.create_database(name)
    postgres_server.drop_database(name)
