"""What tests of clients may ask for."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from onbeat import Onbeat, Settings


@pytest.fixture
async def ob(database_url: str) -> AsyncIterator[Onbeat]:
    """An application on a database of this test's own, on either engine."""
    async with Onbeat(database_url, settings=Settings()) as ob:
        yield ob


@pytest.fixture
async def other(ob: Onbeat) -> AsyncIterator[Onbeat]:
    """The same application in what stands for another process."""
    async with Onbeat(ob.url, settings=Settings()) as other:
        yield other
