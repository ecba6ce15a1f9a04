"""Keeps a backlog of short jobs before the workers, whatever becomes of the store."""

from __future__ import annotations

import asyncio
import threading
from collections import Counter
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from itertools import takewhile
from pathlib import Path

from onbeat.domain.errors import StoreReadOnly, StoreUnavailable
from onbeat.domain.jobs import NewJob
from onbeat.store.opening import open_store
from onbeat.store.store import Store
from tests.e2e.crews import Effect, read_effect

BACKLOG = 500
BATCH = 50
LOOK_EVERY = 0.02
AGAIN_AFTER = 0.1

SHORT = "-"
"""The word that a short job notes."""

UNTIDY = 1.0
"""Seconds by which a line may have come too late into the ledger."""


class Ledger:
    """What jobs have noted, read on from where it was read last."""

    def __init__(self, path: Path) -> None:
        """Read `path`, which may not be there yet."""
        self._path = path
        self._offset = 0
        self._effects: list[Effect] = []
        self.counts: Counter[str] = Counter()
        """How often each word was noted, up to what was read."""

    def read(self) -> list[Effect]:
        """All effects so far; whole lines only."""
        if self._path.exists():
            with self._path.open("rb") as file:
                file.seek(self._offset)
                lines = file.read()
            lines = lines[: lines.rfind(b"\n") + 1]
            self._offset += len(lines)
            new = [read_effect(line) for line in lines.decode().splitlines()]
            self._effects += new
            self.counts.update(each.word for each in new)
        return self._effects

    def short(self, begin: float, end: float = float("inf")) -> list[Effect]:
        """What short jobs noted after `begin` and until `end`, in seconds of the wall clock."""
        return [each for each in self._since(begin) if each.word == SHORT and each.at <= end]

    def _since(self, begin: float) -> list[Effect]:
        """The last ones, found from the end: they were noted nearly in their order."""
        found = takewhile(lambda each: each.at > begin - UNTIDY, reversed(self.read()))
        return [each for each in list(found)[::-1] if each.at > begin]


class Feeder:
    """Enqueues from a thread of its own; what may not have been accepted is sent again as it was.

    So a commit whose answer was lost must not make a job twice: its id is the same.
    """

    def __init__(self, url: str, ledger: Path) -> None:
        """Feed the workers of the database at `url`, which note in `ledger` what they did."""
        self.accepted: list[str] = []
        self._url = url
        self._ledger = Ledger(ledger)
        self._ended = threading.Event()
        self._given_up = threading.Event()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="feeder")
        self._work: Future[None] | None = None

    def start(self) -> None:
        """Begin."""
        self._work = self._thread.submit(lambda: asyncio.run(self._feed()))

    def stop(self) -> None:
        """End once the last batch is accepted. Raises what went wrong."""
        self._ended.set()
        if self._work is not None:
            self._work.result(60)

    def give_up(self) -> None:
        """End, accepted or not."""
        self._ended.set()
        self._given_up.set()
        self._thread.shutdown()

    async def _feed(self) -> None:
        store = open_store(self._url)
        try:
            while not self._ended.is_set():
                self._ledger.read()
                if len(self.accepted) - self._ledger.counts[SHORT] < BACKLOG:
                    await self._insist(store)
                await asyncio.sleep(LOOK_EVERY)
        finally:
            await store.close()

    async def _insist(self, store: Store) -> None:
        jobs = [NewJob(id=identity, task="work") for identity in store.ids.many(BATCH)]
        while not self._given_up.is_set():
            with suppress(StoreUnavailable, StoreReadOnly):
                await store.enqueue(jobs)
                self.accepted += [job.id for job in jobs]
                return
            await asyncio.sleep(AGAIN_AFTER)
