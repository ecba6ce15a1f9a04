"""A service whose work lies in keys, of which each has one instance of it, however many there are.

Every third of a term an instance says that it is there and keeps its keys; others may have them
once a term is over. So it ends its own runs by then, by its own clock, where it could not say so.
"""

from __future__ import annotations

import asyncio
from abc import abstractmethod
from collections import deque
from collections.abc import Collection
from contextlib import suppress
from datetime import timedelta
from functools import partial
from typing import Any, Final

from onbeat.domain.errors import InvalidInput
from onbeat.domain.events import KeyFailed
from onbeat.domain.jobs import check_name
from onbeat.domain.partitioning import Share
from onbeat.domain.recurrence import Recurrence
from onbeat.runtime.service import OUTAGES, Beat, Service, tried
from onbeat.store import shares
from onbeat.store.store import Store
from onbeat.timing import within

TERM: Final = timedelta(seconds=6)
"""What an instance that died had is another's after this and a third of it, at most 8 s."""

LOOKS: Final = 3
"""Rounds in a term: two of them may be lost."""

MOST_KEYS: Final = 10_000


class PartitionedService(Service):
    """Works for its keys at the moments of a recurrence: write `keys` and `run_key`.

    Each key has exactly one instance at a time, and the instances have about as many each. A key
    whose instance died is run at once by the next, for its last run may be half done. While an
    instance is paused, the others have its keys.
    """

    works_while_paused = True

    def __init__(
        self,
        store: Store,
        *,
        id: str,  # noqa: A002 - as in Service
        when: Recurrence,
        concurrency: int = 10,
        retries: int = 0,
        timeout: timedelta | None = None,
        term: timedelta = TERM,
        among: str | None = None,
        **options: Any,
    ) -> None:
        """Work at each moment of `when`, for `concurrency` keys at once.

        A run that fails is tried again up to `retries` times at once; `timeout` bounds each. Keys
        are shared out among the instances that say the same of `among`: those of a region, if each
        knows the keys of its own alone.
        """
        super().__init__(**{"id": _checked(id), "timing": store.timing, **options})
        if concurrency < 1:
            raise InvalidInput("concurrency", f"{concurrency} is below 1")
        self.store = store
        self.retries, self.concurrency = retries, concurrency
        self.term, self.run_timeout = term, timeout
        self._shared = self.id if among is None else _checked(f"{self.id}:{among}", "among")
        self._instance = str(store.new_id())
        self._beat = Beat(when)
        self._has = Share()
        self._until = self._look_at = 0.0
        self._due: deque[str] = deque()
        self._running: dict[str, asyncio.Task[None]] = {}
        self._guard: asyncio.Task[None] | None = None

    @abstractmethod
    async def keys(self) -> Collection[str]:
        """All keys there are, of all instances; asked in each round, some seconds apart."""

    @abstractmethod
    async def run_key(self, key: str) -> None:
        """Do the work of one moment for one key."""

    @property
    def when(self) -> Recurrence:
        """When it works."""
        return self._beat.when

    def work_at(self, when: Recurrence) -> None:
        """Work at the moments of `when` instead, from the next one on."""
        self._beat = Beat(when)

    @property
    def has(self) -> frozenset[str]:
        """The keys that are this instance's."""
        return self._has.keys

    @property
    def hindrance(self) -> str | None:
        """That its term is over, so that its keys may be others'; None while it holds one."""
        holds = self.is_paused or self.timing.boottime() < self._until
        return None if holds else "it holds no term for its keys"

    async def set_up(self) -> None:
        """Forget who is long gone, and begin to look after the term."""
        await self.store.write(partial(shares.forget, service=self._shared, term=self.term))
        self._look_at = 0.0
        self._guard = asyncio.create_task(self._end_in_time(), name=f"onbeat-{self.id}-guard")

    async def step(self) -> float:
        """Keep the keys when it is time; begin what is due; rest until there is more to do."""
        if self.is_paused:
            await self._leave()
            return self._between_looks
        if self.timing.boottime() >= self._look_at:
            await self._look(await self._asked_keys())
        if self._beat.has_come(self.timing.now()):
            self._due.extend(sorted(self.has - set(self._due)))
        self._run_due()
        until_look = self._look_at - self.timing.boottime()
        return max(0.001, min(until_look, self._beat.rest(self.timing.now())))

    async def clean_up(self) -> None:
        """Let the runs under way end, keeping their keys so long; then others have all of them."""
        try:
            await self._leave()
        finally:
            if self._guard is not None:
                self._guard.cancel()

    async def _leave(self) -> None:
        """Let what runs end, and all its keys be others'."""
        self._due.clear()
        while self._running:
            self.woken.clear()
            await self.timing.wait(self.woken, self._between_looks)
            with suppress(*OUTAGES):
                await self._look(self.has)
        self._has, self._look_at = Share(), 0.0
        await self.store.write(partial(shares.leave, service=self._shared, instance=self._instance))

    @property
    def _between_looks(self) -> float:
        return self.term.total_seconds() / LOOKS

    async def _asked_keys(self) -> Collection[str]:
        """The keys there are. Raises InvalidInput for what can be none, and for too many."""
        keys = {check_name("key", key) for key in await self.keys()}
        if len(keys) > MOST_KEYS:
            raise InvalidInput("keys", f"{len(keys)} are more than {MOST_KEYS}; group them")
        return keys

    async def _look(self, keys: Collection[str]) -> None:
        """Say that it is there, keep its keys, take its share; end the runs of what it has lost."""
        asked_at = self.timing.boottime()
        self._has = await self.store.write(partial(
            shares.share, service=self._shared, instance=self._instance, term=self.term, keys=keys,
            busy=tuple(self._running),
        ))  # fmt: skip
        self._until = asked_at + self.term.total_seconds()
        self._look_at = asked_at + self._between_looks
        for key in self._running.keys() - self.has:
            self._running[key].cancel()
        if not (self.draining or self.is_paused):
            self._due.extend(sorted(self._has.orphans))

    def _run_due(self) -> None:
        """Begin runs, as many as may go on at once; what still runs is not run beside itself."""
        waiting = deque(key for key in self._due if key in self.has - self._has.surplus)
        self._due.clear()
        while waiting:
            key = waiting.popleft()
            if key in self._running or len(self._running) >= self.concurrency:
                self._due.append(key)
                continue
            run = asyncio.create_task(self._run(key), name=f"onbeat-{self.id}-{key}")
            self._running[key] = run
            run.add_done_callback(partial(self._ended, key))

    async def _run(self, key: str) -> None:
        seconds = None if self.run_timeout is None else self.run_timeout.total_seconds()

        async def once() -> None:
            async with within(seconds):
                await self.run_key(key)

        await tried(once, self.retries)

    def _ended(self, key: str, run: asyncio.Task[None]) -> None:
        del self._running[key]
        if key in self._has.surplus:
            self._look_at = 0.0
        self.wake()
        if run.cancelled():
            self.emit(KeyFailed(self.id, key, "its key was lost to another instance"))
        elif error := run.exception():
            self._last_error = f"{key}: {type(error).__name__}: {error}"
            self.emit(KeyFailed(self.id, key, f"{type(error).__name__}: {error}"))

    async def _end_in_time(self) -> None:
        """End what runs once its term is over: from then on another may run it."""
        never = asyncio.Event()
        while True:
            left = self._until - self.timing.boottime()
            if left <= 0:
                for run in self._running.values():
                    run.cancel()
            await self.timing.wait(never, min(max(left, 0.1), 1.0))


def _checked(name: str, field: str = "id") -> str:
    if shares.INSTANCE in name or shares.KEY in name:
        raise InvalidInput(field, f"{name!r} has a {shares.INSTANCE} or {shares.KEY} in it")
    return check_name(field, name)
