"""Stores what runs tell while they run: log lines and progress, gathered and written in batches.

None of it is needed for a job to be right, so it is written apart from acks and may lag by a
moment; a store out of reach costs lines only when the buffer is full.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from typing import Any

from onbeat.domain.errors import StoreUnavailable
from onbeat.runtime.run import Run
from onbeat.runtime.service import FOREVER, Service
from onbeat.store import history
from onbeat.store.history import StoredLine, StoredProgress
from onbeat.store.store import Store

GATHER = 0.1
"""Seconds between two writes."""

MOST_KEPT = 100_000
"""Lines kept while the store is out of reach; older ones are dropped."""


class Recorder(Service):
    """Hears from any thread which runs have something to store, and stores it."""

    def __init__(self, store: Store, **options: Any) -> None:
        """Write to `store`."""
        super().__init__(**{"id": "recorder", "timing": store.timing, **options})
        self._store = store
        self._lock = threading.Lock()
        self._told: dict[int, Run] = {}
        self._kept: list[StoredLine] = []
        self._home: asyncio.AbstractEventLoop | None = None

    async def set_up(self) -> None:
        """Remember the loop that other threads must wake."""
        self._home = asyncio.get_running_loop()

    async def clean_up(self) -> None:
        """Write what is left."""
        with contextlib.suppress(StoreUnavailable):
            await self.step()

    def told(self, run: Run) -> None:
        """Hear that `run` has something new; from any thread."""
        with self._lock:
            first = not self._told
            self._told[run.token] = run
        if first and self._home is not None:
            # The loop may close while a thread that was given up on still talks.
            with contextlib.suppress(RuntimeError):
                self._home.call_soon_threadsafe(self.wake)

    @property
    def has_untold(self) -> bool:
        """Whether something is yet to be written; what a write under way holds is not counted."""
        with self._lock:
            return bool(self._told or self._kept)

    async def step(self) -> float:
        """Write all that has been told since the last time."""
        with self._lock:
            told, self._told = list(self._told.values()), {}
        if not told and not self._kept:
            return FOREVER
        for run in told:
            first, lines = run.record.take()
            self._kept += [
                StoredLine(run.job, run.token, first + i, line) for i, line in enumerate(lines)
            ]
        del self._kept[:-MOST_KEPT]
        progress = _progress(told)
        try:
            await self._write(self._kept, progress)
        except StoreUnavailable:
            self._tell_again(told, {each.token for each in progress})
            raise
        self._kept = []
        return await self._pause()

    async def _write(self, lines: list[StoredLine], progress: list[StoredProgress]) -> None:
        def work(connection: Any, now: Any) -> None:
            history.write_lines(connection, now, lines)
            history.write_progress(connection, now, progress)

        if lines or progress:
            await self._store.write(work)

    def _tell_again(self, told: list[Run], tokens: set[int]) -> None:
        with self._lock:
            for run in told:
                if run.token in tokens:
                    run.record.told = True
                    self._told.setdefault(run.token, run)

    async def _pause(self) -> float:
        """Let a moment's lines gather, unless this is the end."""
        if not self.draining:
            await self.timing.wait(asyncio.Event(), GATHER)
        return 0.0 if self._told else FOREVER


def _progress(told: list[Run]) -> list[StoredProgress]:
    news = []
    for run in told:
        if run.record.told:
            run.record.told = False
            news.append(StoredProgress(run.token, run.record.progress, run.record.note))
    return news
