"""Roles of PostgreSQL that may not do all: what is missing is named, and the GRANT for it."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from urllib.parse import urlsplit, urlunsplit
from uuid import uuid4

import asyncpg
import pytest

from tests.cli.running import Cli, start
from tests.servers.postgres import PostgresServer, launch


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    """A server of this module's own: roles belong to a whole server."""
    with launch() as server:
        yield server


class Roles:
    """A database with an owner, and a role without any rights in it."""

    def __init__(self, owner: str, name: str) -> None:
        self.owner, self.name = owner, name
        self.run(f'CREATE ROLE "{name}" LOGIN')

    @property
    def url(self) -> str:
        """The database, as the role without rights."""
        parts = urlsplit(self.owner)
        return urlunsplit(parts._replace(netloc=f"{self.name}@{parts.netloc.partition('@')[2]}"))

    def run(self, statement: str) -> None:
        """Do something as the owner."""
        asyncio.run(self._run(statement))

    async def _run(self, statement: str) -> None:
        connection = await asyncpg.connect(self.owner)
        await connection.execute(statement)
        await connection.close()


@pytest.fixture(params=["ann", "ann-marie"])
def roles(server: PostgresServer, request: pytest.FixtureRequest) -> Roles:
    number = uuid4().hex
    return Roles(server.create_database(f"own_{number}"), f"{request.param}{number}")


def grants(message: str) -> list[str]:
    """The statements a message names."""
    return re.findall(r"GRANT [^;`]+", message)


def refused_migration(cli: Cli, roles: Roles, *further: str) -> tuple[int, str]:
    result = cli("db", "migrate", "--db", roles.url, *further)
    return result.code, result.err


def test_a_role_that_may_make_no_tables_is_told_what_to_grant(cli: Cli, roles: Roles) -> None:
    code, message = refused_migration(cli, roles)

    assert code == 5
    assert "permission denied for schema public" in message
    assert "<class" not in message
    for grant in grants(message):
        roles.run(grant)
    assert cli("db", "migrate", "--db", roles.url).code == 0


@pytest.mark.parametrize("command", [("jobs", "ls"), ("jobs", "enqueue", "charge")])
def test_a_role_that_may_not_use_the_tables_is_told_what_to_grant(
    cli: Cli, roles: Roles, command: tuple[str, ...]
) -> None:
    cli.answer("db", "migrate", "--db", roles.owner)

    code, message = cli.refusal(*command, "--db", roles.url)

    assert code == 5
    assert "permission denied for table onbeat_" in message
    assert "<class" not in message
    for grant in grants(message):
        roles.run(grant)
    assert cli(*command, "--db", roles.url).code == 0


def test_a_role_that_may_make_no_schema_is_told_what_to_grant(cli: Cli, roles: Roles) -> None:
    environment = ("--environment", "pr-12")
    code, message = refused_migration(cli, roles, *environment)

    assert code == 5
    assert "permission denied for database" in message
    for grant in grants(message):
        roles.run(grant)
    assert cli("db", "migrate", "--db", roles.url, *environment).code == 0


def test_a_schema_that_was_made_for_a_role_needs_no_further_rights(cli: Cli, roles: Roles) -> None:
    environment = ("--environment", "pr-12")
    _, message = refused_migration(cli, roles, *environment)
    [made] = re.findall(r"CREATE SCHEMA [^,]+", message)

    roles.run(made)

    assert cli("db", "migrate", "--db", roles.url, *environment).code == 0


def test_a_role_that_may_not_use_an_environment_is_told_what_to_grant(
    cli: Cli, roles: Roles
) -> None:
    environment = ("--environment", "pr-12")
    cli.answer("db", "migrate", "--db", roles.owner, *environment)

    for _ in range(2):  # first the schema, then what is in it
        code, message = cli.refusal("jobs", "ls", "--db", roles.url, *environment)
        assert code == 5
        for grant in grants(message):
            roles.run(grant)

    assert cli.answer("jobs", "ls", "--db", roles.url, *environment)["jobs"] == []


def test_an_environment_that_may_not_be_read_is_listed_without_a_version(
    cli: Cli, roles: Roles
) -> None:
    cli.answer("db", "migrate", "--db", roles.owner, "--environment", "pr-12")

    [listed] = cli.answer("db", "environments", "--db", roles.url)["environments"]

    assert (listed["environment"], listed["schema"]) == ("pr-12", None)


def test_a_role_that_may_only_look_can_look(cli: Cli, roles: Roles) -> None:
    cli.answer("db", "migrate", "--db", roles.owner)
    roles.run(f'GRANT SELECT ON ALL TABLES IN SCHEMA public TO "{roles.name}"')

    assert cli.answer("jobs", "ls", "--db", roles.url)["jobs"] == []
    code, message = cli.refusal("jobs", "enqueue", "charge", "--db", roles.url)
    assert (code, "INSERT" in message) == (5, True)


def test_a_worker_with_the_rights_that_are_named_runs_jobs(
    cli: Cli, app: str, roles: Roles
) -> None:
    cli.answer("db", "migrate", "--db", roles.owner)
    for grant in grants(cli.refusal("jobs", "ls", "--db", roles.url)[1]):
        roles.run(grant)

    with start("up", "--app", app, "--json", "--db", roles.url) as process:
        process.ready()
        job = cli.answer(
            "jobs", "enqueue", "charge", "--app", app, "--db", roles.url,
            "--args", '{"order_id": 1}', "--wait", "--timeout", "30s",
        )  # fmt: skip

    assert job["result"] == "charged 1"


def test_a_role_that_does_not_own_the_tables_is_told_whose_they_are(cli: Cli, roles: Roles) -> None:
    cli.answer("db", "migrate", "--db", roles.owner)
    roles.run(f'GRANT ALL ON ALL TABLES IN SCHEMA public TO "{roles.name}"')
    roles.run(f'GRANT ALL ON SCHEMA public TO "{roles.name}"')
    roles.run("DROP TABLE onbeat_queues CASCADE; UPDATE onbeat_schema SET version_num = '0003'")

    code, message = refused_migration(cli, roles)

    assert code == 5
    assert "must be owner of " in message
    assert "the role that ran `onbeat db migrate` first" in message
