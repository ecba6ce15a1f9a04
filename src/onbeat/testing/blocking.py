"""The kit for tests without an event loop: the same verbs, blocking."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta

from onbeat.app.onbeat import Onbeat
from onbeat.app.portal import Portal
from onbeat.crash_points import CrashPoint
from onbeat.runtime.service import Service
from onbeat.testing.kit import Kit
from onbeat.testing.looks import AnyTask, Looks
from onbeat.testing.moments import Moment


class BlockingKit(Looks):
    """What a plain test works with; jobs run on a loop in a thread of the kit's own."""

    def __init__(self, ob: Onbeat, portal: Portal, kit: Kit) -> None:
        """Bring the verbs of `kit` to the loop of `portal`."""
        super().__init__(ob, portal)
        self._kit = kit

    @property
    def now(self) -> datetime:
        """The moment it is."""
        return self._kit.now

    @property
    def url(self) -> str:
        """The database's URL, for code that opens it in its own way, as for `within`."""
        return self._kit.url

    @property
    def services(self) -> Mapping[str, Service]:
        """See `Kit.services`."""
        return self._kit.services

    @property
    def crashed(self) -> list[CrashPoint]:
        """Where workers and schedulers have died so far."""
        return self._kit.crashed

    def advance(
        self, by: str | timedelta | None = None, *, to: Moment | None = None, raises: bool = False
    ) -> None:
        """See `Kit.advance`."""
        self._portal.run(lambda: self._kit.advance(by, to=to, raises=raises))

    def drain(self, *, raises: bool = False) -> None:
        """See `Kit.drain`."""
        self._portal.run(lambda: self._kit.drain(raises=raises))

    @contextmanager
    def downtime(self, *, worker: bool = False) -> Iterator[None]:
        """See `Kit.downtime`."""
        self._portal.run(lambda: self._kit.go_down(worker=worker))
        yield
        self._portal.run(self._kit.come_up)

    def crash_at(self, at: CrashPoint | str, *, on_pass: int = 1) -> None:
        """See `Kit.crash_at`."""
        self._kit.crash_at(at, on_pass=on_pass)

    def kill_worker(self, at: CrashPoint | str, *, on_pass: int = 1) -> None:
        """See `Kit.kill_worker`."""
        self._portal.run(lambda: self._kit.kill_worker(at, on_pass=on_pass))

    def takes(self, task: AnyTask, duration: str | timedelta | None) -> None:
        """See `Kit.takes`."""
        self._kit.takes(task, duration)
