"""An application, its API, and clients that may do this or that."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
from starlette.types import ASGIApp

from onbeat import Onbeat, Settings
from onbeat.api.asgi import make_asgi
from onbeat.domain.access import Permission, Role
from tests.api.asking import CRON_SECRET, PASSWORD, Client, asking

Signed = Callable[[str], Awaitable[Client]]


@pytest.fixture
async def ob(database_url: str) -> AsyncIterator[Onbeat]:
    """An application on a database of this test's own, on either engine."""
    async with Onbeat(database_url, settings=Settings(cron_secret=CRON_SECRET)) as ob:
        yield ob


@pytest.fixture
def app(ob: Onbeat) -> ASGIApp:
    """Its API."""
    return make_asgi(ob)


@pytest.fixture
async def nobody(app: ASGIApp) -> AsyncIterator[Client]:
    """Who asks without credentials."""
    async with asking(app) as client:
        yield client


@pytest.fixture
async def admin(ob: Onbeat, app: ASGIApp) -> AsyncIterator[Client]:
    """Who may do all, with a token."""
    made = await ob.tokens.create("root", frozenset(Permission), by="test")
    async with asking(app, made.text) as client:
        yield client


@pytest.fixture
async def ann(ob: Onbeat, app: ASGIApp) -> AsyncIterator[Client]:
    """A person who is an admin, signed in with a cookie."""
    await ob.users.create("ann", Role.ADMIN, by="test", password=PASSWORD)
    async with asking(app) as client:
        await client.sign_in("ann")
        yield client
