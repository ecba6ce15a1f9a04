"""A store that is gone, restarting, slow, half-open, locked or full is ridden out.

Nothing is lost, nothing is done twice, no healthy job is cancelled or set aside, schedules go on,
and every worker is at work again within five seconds of recovery.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from tests.outages.drill import SHORT
from tests.outages.faults import OF_POSTGRESQL, OF_SQLITE, Fault
from tests.outages.places import drill_on_postgres, drill_on_sqlite
from tests.servers.postgres import PostgresServer, launch

pytestmark = pytest.mark.timeout(180)


def each_of(faults: Iterable[Fault]) -> pytest.MarkDecorator:
    """A test for each fault that the short form has."""
    short = [fault for fault in faults if not fault.only_long]
    return pytest.mark.parametrize("fault", short, ids=lambda fault: fault.name)


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    """A server that keeps what it has committed, whatever befalls it."""
    with launch(durable=True) as started:
        yield started


@each_of(OF_POSTGRESQL)
def test_an_outage_of_postgresql_is_ridden_out(
    fault: Fault, server: PostgresServer, tmp_path: Path
) -> None:
    report = drill_on_postgres(fault, server, tmp_path, SHORT)

    assert report.wrong == []


@each_of(OF_SQLITE)
def test_an_outage_of_sqlite_is_ridden_out(fault: Fault, tmp_path: Path) -> None:
    try:
        report = drill_on_sqlite(fault, tmp_path, SHORT)
    except subprocess.CalledProcessError as error:
        pytest.skip(f"a small disk cannot be mounted here: {error.stderr}")

    assert report.wrong == []
