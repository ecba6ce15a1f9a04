"""A served application, and who may listen to it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from onbeat import Onbeat
from onbeat.domain.access import Permission
from tests.api.asking import Client
from tests.api.live.listener import Listener, asking, listening, served


@pytest.fixture
async def address(ob: Onbeat) -> AsyncIterator[str]:
    """Where the API is."""
    async with served(ob) as address:
        yield address


@pytest.fixture
async def token(ob: Onbeat) -> str:
    """One that allows all."""
    return (await ob.tokens.create("root", frozenset(Permission), by="test")).text


@pytest.fixture
async def admin(address: str, token: str) -> AsyncIterator[Client]:
    """Who changes things over HTTP."""
    async with asking(address, token) as client:
        yield client


@pytest.fixture
async def listener(address: str, token: str) -> AsyncIterator[Listener]:
    """One who may follow all."""
    async with listening(address, token) as listener:
        yield listener
