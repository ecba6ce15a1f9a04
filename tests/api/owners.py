"""Two users of an application that lets users schedule one of its tasks, and leaves out another."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any

import pytest
from starlette.types import ASGIApp

from onbeat import Onbeat
from onbeat.domain.access import Role
from tests.api.asking import Client, asking

Entering = Callable[[str], Awaitable[Client]]
SAID = {"task": "remind", "args": {"text": "tea"}, "every": "1h"}


def add_tasks(ob: Onbeat) -> None:
    """What users may schedule, and what they may not."""

    @ob.task(for_users=True)
    async def remind(user_id: str, text: str = "") -> str:
        return f"{user_id}: {text}"

    @ob.task
    async def close_day() -> None: ...


@pytest.fixture
async def entering(ob: Onbeat, app: ASGIApp) -> AsyncIterator[Entering]:
    """Lets an owner in, who has a token of the role `owner`."""
    add_tasks(ob)
    async with AsyncExitStack() as stack:

        async def enter(owner: str) -> Client:
            made = await ob.tokens.create("own", Role.OWNER.permissions, by="test", owner=owner)
            return await stack.enter_async_context(asking(app, made.text))

        yield enter


@pytest.fixture
async def amy(entering: Entering) -> Client:
    """A user."""
    return await entering("amy")


@pytest.fixture
async def bob(entering: Entering) -> Client:
    """Another user."""
    return await entering("bob")


async def names(client: Client) -> list[Any]:
    """The schedules that are shown to who asks."""
    return [each["name"] for each in (await client.told("GET", "/schedules"))["data"]]
