"""Targets call back over HTTP, by the URL that their request had and nothing else."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from onbeat import JobHandle, Onbeat, Settings, State
from onbeat.domain.callbacks import HEADER
from tests.api.asking import Client
from tests.outbound.receivers import receiving, saying
from tests.waiting import wait_for

SETTINGS = Settings(
    http_task=True, outbound_allow=("127.0.0.0/8",), outbound_http=True,
    secret_key=("a key of a test, which has 32 characters or more",),
    public_url="https://onbeat.example",
)  # fmt: skip


@pytest.fixture
async def ob(database_url: str) -> AsyncIterator[Onbeat]:
    """An application whose jobs may be requests."""
    async with Onbeat(database_url, settings=SETTINGS) as ob:
        yield ob


async def taken(ob: Onbeat) -> tuple[JobHandle[Any], str]:
    """A job whose target works on, and the path where that calls back."""
    async with receiving(saying({}, status=202)) as receiver:
        args = f'{{"url": "{receiver.url()}", "callback": "1h"}}'
        handle = await ob.jobs.enqueue("http", args)

        async def is_waited_for() -> bool:
            return (await handle.show()).state is State.SCHEDULED

        await wait_for(is_waited_for)
        _, _, path = receiver.came[0].headers[HEADER.lower()].partition("/api/v1")
        return handle, path


async def test_a_target_ends_its_job_with_the_url_alone(ob: Onbeat, nobody: Client) -> None:
    async with ob.running(scheduler=False):
        handle, path = await taken(ob)

        told = await nobody.told("POST", path, 200, json={"result": {"lines": 3}})

        assert told == {"job": handle.id}
        assert (await handle.result("10s")).body == {"lines": 3}
        await nobody.told("POST", path, 404, json={})


async def test_a_target_says_that_it_failed(ob: Onbeat, nobody: Client) -> None:
    async with ob.running(scheduler=False):
        handle, path = await taken(ob)
        await nobody.told("POST", path, 200, json={"status": "failed", "error": "disk full"})

        async def has_failed() -> bool:
            return (await handle.show()).state is State.FAILED

        await wait_for(has_failed)


async def test_what_is_wrong_or_too_large_ends_nothing(ob: Onbeat, nobody: Client) -> None:
    async with ob.running(scheduler=False):
        handle, path = await taken(ob)
        await nobody.told("POST", path, 400, json={"status": "half"})
        await nobody.told("POST", path, 400, json={"result": "x" * 70_000})
        await nobody.told("POST", "/callbacks/v1.AAAA", 404, json={})

        assert (await handle.show()).state is State.SCHEDULED
