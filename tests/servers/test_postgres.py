"""Laws of the launcher: what tests and benchmarks rely on when they ask for a server."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest

from tests.servers.postgres import GIVEN_SERVER, PostgresServer, launch, running_server
from tests.waiting import wait_until

KILLED_RUN = """
from tests.servers.postgres import launch

with launch() as server:
    print(server.pid, server.directory, flush=True)
    time.sleep(60)
"""


@pytest.fixture
def server() -> Iterator[PostgresServer]:
    with launch() as started:
        yield started


async def ask(url: str, *statements: str) -> object:
    """Run the statements on a connection of their own; the last one's value."""
    connection = await asyncpg.connect(url)
    try:
        for statement in statements[:-1]:
            await connection.execute(statement)

        return await connection.fetchval(statements[-1])
    finally:
        await connection.close()


def is_alive(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists()


def wait_until_gone(pid: int) -> None:
    wait_until(lambda: not is_alive(pid), what=f"the end of process {pid}")


async def test_a_fresh_database_answers_and_is_empty(postgres_url: str) -> None:
    tables = "SELECT count(*) FROM pg_catalog.pg_class WHERE relnamespace = 'public'::regnamespace"

    assert await ask(postgres_url, tables) == 0


async def test_a_copied_database_has_what_its_template_had(server: PostgresServer) -> None:
    await ask(server.create_database("model"), "CREATE TABLE book AS SELECT 7 AS page", "SELECT 1")

    assert await ask(server.create_database("copy", template="model"), "TABLE book") == 7


@pytest.mark.parametrize("mode", ["fast", "immediate"])
async def test_a_stopped_server_refuses_and_a_restarted_one_keeps_its_data(
    server: PostgresServer, mode: str
) -> None:
    url = server.create_database("kept")
    await ask(url, "CREATE TABLE book AS SELECT 7 AS page", "SELECT 1")

    server.stop("immediate" if mode == "immediate" else "fast")
    with pytest.raises(ConnectionRefusedError):
        await ask(url, "TABLE book")

    server.start()
    assert await ask(url, "TABLE book") == 7


async def test_a_dropped_database_is_gone_though_somebody_was_connected(
    server: PostgresServer,
) -> None:
    url = server.create_database("busy")
    connection = await asyncpg.connect(url)

    server.drop_database("busy")

    with pytest.raises(asyncpg.InvalidCatalogNameError):
        await ask(url, "SELECT 1")
    connection.terminate()


async def test_a_given_server_is_used_and_left_running(
    server: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(GIVEN_SERVER, server.url())

    with running_server() as given:
        url = given.create_database("fresh")

    assert url == server.url("fresh")
    assert await ask(url, "SELECT 1") == 1


def test_nothing_is_left_of_a_discarded_server() -> None:
    with launch() as server:
        pid, directory = server.pid, server.directory
        assert pid is not None
        assert is_alive(pid)

    assert not is_alive(pid)
    assert not directory.exists()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a child of its parent's end")
def test_a_killed_run_leaves_no_server_behind() -> None:
    run = subprocess.Popen(
        [sys.executable, "-c", KILLED_RUN],
        stdout=subprocess.PIPE,
        cwd=Path(__file__).parents[2],
        text=True,
    )
    assert run.stdout is not None
    pid, directory = run.stdout.readline().split()

    run.send_signal(signal.SIGKILL)
    run.communicate()

    wait_until_gone(int(pid))
    shutil.rmtree(directory)


def test_a_run_as_root_gives_the_server_to_nobody(server: PostgresServer) -> None:
    owner = server.directory.stat().st_uid

    assert owner != 0
    assert os.geteuid() in (0, owner)
