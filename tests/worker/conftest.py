"""What tests of the worker may ask for."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Iterator

import pytest

from onbeat.store.store import Store
from tests.conftest import opened
from tests.worker.workshop import Workshop


@pytest.fixture
async def live_store(database_url: str) -> AsyncIterator[Store]:
    """An open store on either engine that lives by the machine's own time, as a worker's does."""
    async with opened(database_url) as store:
        yield store


@pytest.fixture
def shop(live_store: Store) -> Workshop:
    """Tasks, jobs and workers on `live_store`."""
    return Workshop(live_store)


@pytest.fixture
def all_levels() -> Iterator[None]:
    """Let `logging` pass every level, as a program would set it up."""
    root = logging.getLogger()
    before = root.level
    root.setLevel(logging.DEBUG)
    yield
    root.setLevel(before)
