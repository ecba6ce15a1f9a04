"""What tests of services may ask for."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable

import pytest

from onbeat.runtime.service import Service
from tests.runtime.services import Told, within_deadline

Running = Callable[[Service], None]


@pytest.fixture
def told() -> Told:
    """Listens to a service."""
    return Told()


@pytest.fixture
async def stop_at_end() -> AsyncIterator[Running]:
    """Takes services that are stopped when the test is over."""
    taken: list[Service] = []
    yield taken.append
    for service in taken:
        await within_deadline(service.stop())
