"""Opening a kit, and closing it so that nothing is left of it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from types import TracebackType

from onbeat.app.onbeat import Onbeat
from onbeat.app.portal import Portal
from onbeat.domain.environments import placed
from onbeat.domain.errors import InvalidInput
from onbeat.store.sqlite.connections import database_path
from onbeat.testing.blocking import BlockingKit
from onbeat.testing.clock import BystandersTiming, VirtualClock
from onbeat.testing.crew import Trade
from onbeat.testing.errors import KitError
from onbeat.testing.kit import START, Kit
from onbeat.testing.moments import Moment, read_duration, read_moment

PATIENCE = timedelta(seconds=10)
SLOTS = 10


class Opening:
    """A kit that is about to be opened: `async with` gives a `Kit`, `with` a `BlockingKit`."""

    def __init__(  # noqa: PLR0913 - each is a test's own to decide, and named
        self,
        ob: Onbeat,
        *,
        url: str,
        environment: str | None = None,
        at: Moment = START,
        queues: Sequence[str] | None = None,
        slots: int = SLOTS,
        patience: str | timedelta = PATIENCE,
        seed: int = 0,
        services: bool = True,
    ) -> None:
        """Let `ob` live at `url`, in that environment of it, beginning at the moment `at`.

        The kit's worker serves `queues`, by default those of all tasks and of the settings, `slots`
        jobs at once, and waits up to `patience` in real time while no job begins or ends. The
        jitter of retries is drawn from `seed`. The application's own `services` run unless told.
        Raises InvalidInput.
        """
        if not isinstance(ob, Onbeat):
            raise InvalidInput("ob", f"{ob!r} is no Onbeat application; give yours, as in "
                               "onbeat_kit(ob)")  # fmt: skip
        if url.startswith("sqlite") and database_path(url) is None:
            raise InvalidInput("url", f"{url!r} is in memory, where each process of the kit would "
                               "have its own; give a file, or leave it out")  # fmt: skip
        self._ob = ob
        self._url = placed(url, environment, None)
        self._start = read_moment(at, "at")
        self._trade = Trade(
            queues=queues or _queues_of(ob),
            slots=slots,
            patience=read_duration(patience, "patience"),
            seed=str(seed),
        )
        self._services = services
        self._held = ExitStack()
        self._kit: Kit | None = None
        self._portal = Portal(ob.close)

    async def __aenter__(self) -> Kit:
        """Open it on the running loop, on which jobs are then run."""
        kit = self._prepare()
        try:
            await kit.start()
        except BaseException:
            await self._close_async(kit)
            raise
        return kit

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close it; the application has its own database again."""
        assert self._kit is not None  # noqa: S101 - entered
        await self._close_async(self._kit)
        if error is None:
            self._kit.check()

    def __enter__(self) -> BlockingKit:
        """Open it on a loop of its own. Raises KitError on a running loop, which it would block."""
        if _is_on_loop():
            raise KitError("this test runs on an event loop: write `async with` instead of `with`")
        kit = self._prepare()
        try:
            self._portal.run(kit.start)
        except BaseException:
            self._close_blocking(kit)
            raise
        return BlockingKit(self._ob, self._portal, kit)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close it; the application has its own database again."""
        assert self._kit is not None  # noqa: S101 - entered
        self._close_blocking(self._kit)
        if error is None:
            self._kit.check()

    def _prepare(self) -> Kit:
        clock = VirtualClock(self._start)
        timing = BystandersTiming(clock, lambda: self._kit is not None and self._kit.is_running)
        self._held.enter_context(self._ob.elsewhere(self._url, timing))
        self._held.callback(self._portal.close)
        self._kit = Kit(self._ob, self._portal, clock, self._trade, services=self._services)
        return self._kit

    async def _close_async(self, kit: Kit) -> None:
        with self._held:
            try:
                await kit.stop()
            finally:
                await self._ob.close()

    def _close_blocking(self, kit: Kit) -> None:
        with self._held:
            self._portal.run(kit.stop)


class Kits:
    """Opens kits, each on a SQLite file of its own in one folder; the fixture `onbeat_kit`."""

    def __init__(self, folder: Path) -> None:
        """Put the files into `folder`."""
        self._folder = folder
        self._count = 0

    def __call__(  # noqa: PLR0913 - as above
        self,
        ob: Onbeat,
        *,
        at: Moment = START,
        url: str | None = None,
        environment: str | None = None,
        queues: Sequence[str] | None = None,
        slots: int = SLOTS,
        patience: str | timedelta = PATIENCE,
        seed: int = 0,
        services: bool = True,
    ) -> Opening:
        """Open `ob` from the moment `at`, on a file of its own or the empty database at `url`.

        With `environment` it is that environment of it which is empty, or is made.

        For the rest see `Opening`. Raises InvalidInput.
        """
        self._count += 1
        file = self._folder / f"onbeat-{self._count}.db"
        return Opening(
            ob, url=url or f"sqlite:///{file}", environment=environment, at=at, queues=queues,
            slots=slots, patience=patience, seed=seed, services=services,
        )  # fmt: skip


def _queues_of(ob: Onbeat) -> list[str]:
    named = [*ob.settings.queues, *sorted(ob.registry.queues())]
    declared = [each.queue for each in ob.schedules.declared]
    return list(dict.fromkeys([*named, *declared]))


def _is_on_loop() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True
