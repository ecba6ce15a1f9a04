"""Workers of other processes hear of a job that a program without a store of its own commits."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path

from sqlalchemy.orm import Session

from onbeat import Onbeat, sqlite_engine
from onbeat.settings import Settings
from tests.conftest import opened


async def add(a: int, b: int) -> int:
    return a + b


async def test_a_commit_on_a_sqlite_file_wakes_them(tmp_path: Path, sqlite_template: Path) -> None:
    url = f"sqlite:///{shutil.copy(sqlite_template, tmp_path / 'onbeat.db')}"
    engine, task = sqlite_engine(url), Onbeat(url, settings=Settings()).task(add)
    async with opened(url) as others:
        event = asyncio.Event()
        await others.listen()
        others.wakeups.subscribe(event, ["default"])
        event.clear()

        with Session(engine) as session, session.begin():
            task.within(session).enqueue_blocking(1, 2)

        async with asyncio.timeout(5):
            await event.wait()
    engine.dispose()
