"""A host of each guest in the table."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.app.guests.hosts import Host, Kind


@pytest.fixture
def host(kind: Kind, database_url: str) -> Iterator[Host]:
    """A host on Onbeat's database."""
    made = kind.host(database_url)
    yield made
    made.close()
