"""PostgreSQL URLs as people have them: what connects, and what is refused by name."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import uuid4

import pytest

from onbeat.domain.errors import InvalidSetting
from onbeat.store.opening import open_store
from onbeat.store.postgres.addresses import CONNECT_SECONDS, KNOWN, read_address
from onbeat.store.schema_state import migrate, status
from tests.servers.postgres import PostgresServer, free_port, launch

SECRET = "s3cr3t"  # noqa: S105 - to be looked for


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    """A server of this module's own, whose folder and port are known."""
    with launch() as server:
        yield server


async def revision(url: str) -> str | None:
    """The schema of the database at `url`, which must answer."""
    store = open_store(url)
    try:
        return (await store.read(lambda connection, _: status(connection))).current
    finally:
        await store.close()


@pytest.mark.parametrize(
    "query",
    [
        "sslmode=disable&channel_binding=prefer",
        "connect_timeout=5",
        "connect_timeout=0",
        "keepalives=1&keepalives_idle=30&keepalives_interval=10&keepalives_count=3",
        "gssencmode=disable&sslcompression=0&tcp_user_timeout=1000&client_encoding=utf8",
        "target_session_attrs=read-write",
        "application_name=shop",
        "options=-csearch_path%3Dpublic",
        "sslmode=",
    ],
)
async def test_a_url_with_what_libpq_knows_connects(server: PostgresServer, query: str) -> None:
    assert await revision(f"{server.url()}?{query}") is None


async def test_the_next_host_is_used_when_the_first_does_not_answer(server: PostgresServer) -> None:
    url = f"postgresql://postgres:{SECRET}@127.0.0.1:{free_port()},127.0.0.1:{server.port}/postgres"

    assert await revision(url) is None


@pytest.mark.parametrize(
    "where", [":{port}/postgres?host={folder}", "/postgres?host={folder}&port={port}"]
)
async def test_a_socket_is_used_from_its_folder(server: PostgresServer, where: str) -> None:
    place = where.format(port=server.port, folder=server.directory)

    assert await revision(f"postgresql://postgres@{place}") is None


async def test_the_name_of_an_application_is_shown_by_the_server(server: PostgresServer) -> None:
    store = open_store(f"{server.url()}?application_name=shop")
    shown = await store.read(
        lambda connection, _: connection.exec_driver_sql("SHOW application_name").scalar()
    )
    await store.close()

    assert shown == "shop"


async def test_a_search_path_puts_the_tables_elsewhere(server: PostgresServer) -> None:
    url = f"{server.create_database(f'own_{uuid4().hex}')}?options=-csearch_path%3Djobs"
    store = open_store(url)
    await store.write(lambda connection, _: connection.exec_driver_sql("CREATE SCHEMA jobs") and 0)
    await store.write(migrate)
    await store.close()

    assert await revision(url) is not None
    assert await revision(url.partition("?")[0]) is None


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("sslmod=require", "parameter 'sslmod' is not known; is sslmode meant?"),
        ("schema=public", "parameter 'schema' is not known"),
        ("pgbouncer=true", "parameter 'pgbouncer' is not known"),
        ("ssl=true", "give sslmode=require"),
        ("sslmode=on", "'on' is not allowed for sslmode; give one of disable, allow"),
        ("target_session_attrs=rw", "'rw' is not allowed for target_session_attrs"),
        ("gssencmode=require", "'require' is not allowed for gssencmode"),
        ("connect_timeout=5s", "'5s' is not allowed for connect_timeout; give whole seconds"),
        ("require_auth=scram-sha-256", "parameter 'require_auth' is not known"),
    ],
)
def test_what_the_driver_cannot_be_given_is_refused_by_name(query: str, said: str) -> None:
    with pytest.raises(InvalidSetting) as caught:
        open_store(f"postgresql://ann:{SECRET}@localhost/shop?{query}")

    assert said in str(caught.value)
    assert caught.value.field == "db"
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "said"),
    [
        (f"postgresql://ann:{SECRET}@home@localhost/shop", "written %40"),
        (f"postgresql://ann:{SECRET}/x@localhost/shop?a@b", "'a@b' is not known"),
        ("postgresql://localhost:54x/shop", "host cannot be read"),
        ("postgresql://h1:5432,h2:70000/shop", "the port 70000 is none"),
        ("postgresql://[::1/shop", "host cannot be read"),
        ("postgresql:shop", "not a database URL"),
    ],
)
def test_a_url_that_cannot_be_read_is_refused_without_its_password(url: str, said: str) -> None:
    with pytest.raises(InvalidSetting) as caught:
        open_store(url)

    assert said in str(caught.value)
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql://ann:s3cr3t@h:5432/shop", "postgresql://ann:***@h:5432/shop"),
        ("postgres://h/shop?password=s3cr3t", "postgresql://h/shop"),
        ("postgresql://ann:s3cr3t@h1:1,[::1]:2/shop", "postgresql://ann:***@h1:1,[::1]:2/shop"),
        ("postgresql://ann@:5433/shop?host=/run/x", "postgresql://ann@/shop?host=/run/x"),
        ("postgresql+asyncpg://a%40b:s3cr3t%2F@h/x", "postgresql://a%40b:***@h/x"),
        ("postgresql:///shop", "postgresql:///shop"),
        ("postgresql://h:5432/shop?application_name=a@b", "postgresql://h:5432/shop"),
        ("postgresql://ann:s3cr3t/x@h/shop", "postgresql://ann:***@h/shop"),
    ],
)
def test_an_address_is_shown_without_its_password(url: str, shown: str) -> None:
    address = read_address(url)

    assert address.shown == shown
    assert SECRET not in repr(address)


def test_the_time_to_connect_may_be_said() -> None:
    assert read_address("postgresql://h/x?connect_timeout=3").connect_seconds == 3
    assert read_address("postgresql://h/x").connect_seconds == CONNECT_SECONDS


def test_no_parameter_is_known_twice() -> None:
    assert len(KNOWN) == len(set(KNOWN))
