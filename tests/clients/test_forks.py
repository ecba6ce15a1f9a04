"""A fork leaves the parent's connections to an API as they are."""

from __future__ import annotations

import asyncio
import os

import pytest

from onbeat import Onbeat, Retry
from tests.outbound.receivers import receiving, well


@pytest.mark.filterwarnings("ignore::ResourceWarning")
async def test_after_a_fork_the_parent_still_hears_its_answers(ob: Onbeat) -> None:
    async with receiving(well) as receiver:
        api = ob.client("game-api", url=receiver.url(path=""), breaker=None, retry=Retry(1))
        await api.get("/")

        child = os.fork()
        if child == 0:
            os._exit(0)
        await asyncio.to_thread(os.waitpid, child, 0)

        assert (await api.get("/", timeout="3s")).status == 200
