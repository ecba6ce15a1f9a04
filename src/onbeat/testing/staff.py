"""The application's own services in the kit: run as in life, their rests in the kit's time.

They are started, restarted after a failure, paused and stopped by the code that does so in
production; only what they wait by is the kit's: a rest ends when the clock was moved that far.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta

from onbeat.domain.services import Status
from onbeat.runtime.manager import ServiceManager
from onbeat.runtime.service import Service
from onbeat.store.opening import open_store
from onbeat.store.store import Store
from onbeat.testing.clock import VirtualClock
from onbeat.testing.errors import KitError
from onbeat.timing import within

MOST_STEPS_AT_ONCE = 1_000
"""Steps of one service at one moment."""

MOST_STEPS = 20_000
"""Steps of all services in one verb; with what is looked at between them, some minutes."""

LOOK_AGAIN = 0.01
"""Seconds of real time between looks at a step that waits for something else than the kit."""


class Rests:
    """The `Timing` of one service."""

    is_real = False

    def __init__(self, clock: VirtualClock, told: Callable[[], None]) -> None:
        """Live by `clock`; `told` is called when a rest begins."""
        self.now = clock.now
        self.monotonic = clock.monotonic
        self.boottime = clock.boottime
        self._clock = clock
        self._told = told
        self._woken: asyncio.Event | None = None

    async def wait(self, event: asyncio.Event, seconds: float) -> bool:
        """Wait until `event` is set or the clock was moved by `seconds`; whether it was set."""
        self._woken = event
        try:
            return await self._clock.wait_for_move(self, event, seconds, self._told)
        finally:
            self._woken = None

    @property
    def end_at(self) -> datetime | None:
        """When the rest under way is over; None when none is, or it was ended."""
        if self._woken is None or self._woken.is_set():
            return None
        return self._clock.ends_at(self)


class Staff:
    """The services of one application, by the kit's clock."""

    def __init__(
        self,
        makers: Sequence[Callable[[Store], Service]],
        url: str,
        clock: VirtualClock,
        patience: timedelta,
    ) -> None:
        """Run what `makers` make; wait up to `patience`, in real time, for a step to end."""
        self.errors: list[tuple[str, Exception]] = []
        """What steps have raised: service, error."""
        self._makers = makers
        self._url = url
        self._clock = clock
        self._patience = patience
        self._changed = asyncio.Event()
        self._rests: dict[str, Rests] = {}
        self._services: dict[str, Service] = {}
        self._steps_before = 0

    @property
    def services(self) -> Mapping[str, Service]:
        """Those that run, by their ids; none in a downtime."""
        return self._services

    async def start(self) -> None:
        """Make and start them, as a scheduler's process does."""
        if not self._makers:
            return

        self._store = open_store(self._url, timing=self._clock)
        await self._store.open()
        self._manager = ServiceManager()
        try:
            for make in self._makers:
                self._take_on(make(self._store))
        except BaseException:
            await self._store.close()
            raise
        await self._manager.start()

    def _take_on(self, service: Service) -> None:
        rests = Rests(self._clock, self._changed.set)
        service.timing = rests
        self._witness(service)
        self._manager.register(service)
        self._rests[service.id], self._services[service.id] = rests, service

    def _witness(self, service: Service) -> None:
        step = service.step

        async def witnessed() -> float:
            try:
                return await step()
            except Exception as error:
                self.errors.append((service.id, error))
                raise

        service.step = witnessed  # type: ignore[method-assign] # of this one alone

    async def stop(self) -> None:
        """Stop them, as when the process drains."""
        if self._services:
            await self._manager.stop()
            await self._store.close()
            self._services.clear()
            self._rests.clear()

    def begin(self) -> None:
        """Count steps anew: a verb begins."""
        self.errors.clear()
        self._steps_before = self._steps()

    @property
    def is_at_rest(self) -> bool:
        """Whether none has anything to do at this moment."""
        return all(self._is_at_rest(each) for each in self._services.values())

    def next_moment(self) -> datetime | None:
        """When the first of them has rested."""
        ends = (each.end_at for each in self._rests.values())
        return min((at for at in ends if at is not None), default=None)

    async def settle(self) -> None:
        """Let them take all steps they have at this moment. Raises KitError."""
        counts = {name: each.snapshot().runs for name, each in self._services.items()}
        last_step, steps = time.monotonic(), self._steps()
        while not self.is_at_rest:
            await self._wait_for_change()
            self._refuse_too_many(counts)
            if self._steps() > steps:
                last_step, steps = time.monotonic(), self._steps()
            elif time.monotonic() - last_step > self._patience.total_seconds():
                raise self._hangs()

    def raise_first(self) -> None:
        """Raise the first error of a step in this verb, if there was any."""
        if self.errors:
            name, error = self.errors[0]
            error.add_note(f"raised by a step of the service {name!r}")
            raise error

    async def _wait_for_change(self) -> None:
        self._changed.clear()
        try:
            async with within(LOOK_AGAIN):
                await self._changed.wait()
        except TimeoutError:
            return

    def _refuse_too_many(self, before: Mapping[str, int]) -> None:
        for name, service in self._services.items():
            if service.snapshot().runs - before[name] > MOST_STEPS_AT_ONCE:
                raise KitError(
                    f"the service {name!r} took {MOST_STEPS_AT_ONCE:,} steps at "
                    f"{self._clock.now().isoformat()} and wants more: let `step` return how long "
                    "to rest"
                )
        if self._steps() - self._steps_before > MOST_STEPS:
            raise KitError(
                f"the services {', '.join(self._services)} took {MOST_STEPS:,} steps on the way: "
                "they rest for less than that takes. Go a shorter way, or open the kit with "
                "services=False"
            )

    def _hangs(self) -> KitError:
        names = [name for name, each in self._services.items() if not self._is_at_rest(each)]
        return KitError(
            f"a step of the service {' and '.join(names)} has not ended within "
            f"{self._patience.total_seconds():g} s of real time. The kit's clock moves no sleep of "
            "its own code, and no job runs while it waits for one: let `step` return how long to "
            "rest, or open the kit with services=False"
        )

    def _steps(self) -> int:
        return sum(each.snapshot().runs for each in self._services.values())

    def _is_at_rest(self, service: Service) -> bool:
        if service.status in (Status.PAUSED, Status.STOPPED):
            return True
        has_given_up = service.status is Status.ERROR and not service.critical
        return has_given_up or self._rests[service.id].end_at is not None
