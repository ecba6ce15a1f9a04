"""Whether a process can do its work, asked of its database and its services."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from onbeat import Onbeat, Settings
from onbeat.app.readiness import readiness
from onbeat.runtime.manager import ServiceManager
from tests.servers.postgres import free_port

WITHOUT = "the database does not answer, or lacks tables that are needed"


async def test_one_whose_services_are_not_set_up_is_starting(ob: Onbeat) -> None:
    found = await readiness(ob, None)

    assert (found.reason, found.is_asked) == ("starting: its services are not set up", False)


async def test_one_that_reaches_its_tables_is_ready(ob: Onbeat) -> None:
    found = await readiness(ob, ServiceManager())

    assert (found.reason, found.is_asked) == (None, True)
    assert found.latency is not None


async def test_one_whose_database_lacks_what_it_needs_is_not(ob: Onbeat) -> None:
    store = await ob.store()
    spoil = text("UPDATE onbeat_schema SET version_num = '0001'")
    await store.write(lambda connection, _: connection.execute(spoil) and None)

    found = await readiness(ob, ServiceManager())

    assert (found.reason, found.latency) == (WITHOUT, None)


@pytest.mark.parametrize(
    "url", ["sqlite:////nowhere/onbeat.db", "postgresql://shop@127.0.0.1:{port}/shop"]
)
async def test_one_whose_database_is_not_reached_is_not(url: str) -> None:
    ob = Onbeat(url.format(port=free_port()), settings=Settings())

    found = await readiness(ob, ServiceManager())

    assert (found.reason, found.is_asked, found.latency) == (WITHOUT, True, None)
