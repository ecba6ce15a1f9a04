"""Starts services in order, watches them, and stops them the other way round."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from onbeat.domain.errors import Conflict, NotFound
from onbeat.domain.processes import Action
from onbeat.domain.services import Snapshot, Status
from onbeat.runtime.service import Service

DRAINING = "draining: it takes nothing new, and ends when its work has"


class ServiceManager:
    """The services of one process, by id."""

    def __init__(self) -> None:
        """Start with none."""
        self._services: dict[str, Service] = {}
        self.is_stopping = False
        """Whether all are to stop: none is started any more."""

    def register(self, service: Service) -> None:
        """Add a service. Raises Conflict when its id is taken."""
        if service.id in self._services:
            raise Conflict(f"a service with the id {service.id!r} is registered already")
        self._services[service.id] = service

    def get(self, service_id: str) -> Service:
        """The service of that id. Raises NotFound."""
        found = self._services.get(service_id)
        if found is None:
            known = ", ".join(self._services) or "none"
            raise NotFound(f"no service {service_id!r} in this process; there are: {known}")
        return found

    def __iter__(self) -> Iterator[Service]:
        """All services, in the order they were registered."""
        return iter(self._services.values())

    async def start(self) -> None:
        """Start those that start by themselves, each when the one before is set up."""
        self.is_stopping = False
        for service in self._services.values():
            if service.auto_start:
                await service.start()

    async def stop(self) -> None:
        """Stop all, the last first, so that what others build on goes last."""
        self.is_stopping = True
        for service in reversed(self._services.values()):
            await service.stop()

    async def restart(self, service_id: str) -> None:
        """Stop and start one. Raises NotFound, and Conflict where it does not start."""
        await self.get(service_id).stop()
        await self._begin(self.get(service_id))

    async def act(self, service_id: str, action: Action) -> None:
        """Do with one what is wished. Raises NotFound, and Conflict where that cannot be."""
        service = self.get(service_id)
        match action:
            case Action.START:
                await self._begin(service)
            case Action.STOP:
                _refuse_rest(service)
                await service.stop()
            case Action.RESTART:
                await self.restart(service_id)
            case Action.PAUSE:
                _pause(service)
            case Action.RESUME:
                _resume(service)

    async def _begin(self, service: Service) -> None:
        if self.is_stopping:
            raise Conflict("its process is ending; start another process")
        await service.start()
        service.resume()
        if service.status is Status.ERROR:
            raise Conflict(f"it does not start: {service.snapshot().last_error}")

    def snapshots(self) -> list[Snapshot]:
        """How each stands now."""
        return [service.snapshot() for service in self._services.values()]

    def hindrance(self, needed: Collection[str] = ()) -> str | None:
        """Why this process does not do its duty; None while it does, or was told to rest.

        Of its services the critical ones count, and those whose ids are `needed`.
        """
        if self.is_stopping:
            return DRAINING
        found = (_hindrance(each, is_needed=each.critical or each.id in needed) for each in self)
        return next((each for each in found if each is not None), None)

    @property
    def healthy(self) -> bool:
        """Whether every critical service that was started does its duty."""
        return all(
            each.healthy or each.status is Status.STOPPED
            for each in self.snapshots()
            if each.critical
        )


def _hindrance(service: Service, *, is_needed: bool) -> str | None:
    """Why it does not do its duty: whether it was told to rest does not matter here."""
    if not is_needed or service.status in (Status.PAUSED, Status.STOPPED):
        return None
    if service.status is not Status.RUNNING:
        return f"{service.id} is {service.status}"
    found = service.hindrance
    return None if found is None else f"{service.id}: {found}"


def _refuse_rest(service: Service) -> None:
    if not service.can_rest:
        raise Conflict("it goes on as long as its process; restart it, or end that")


def _pause(service: Service) -> None:
    _refuse_rest(service)
    service.pause()
    if service.status is not Status.PAUSED:
        raise Conflict(f"it is {service.status}; only one that is {Status.RUNNING} can be paused")


def _resume(service: Service) -> None:
    service.resume()
    if service.status is not Status.RUNNING:
        raise Conflict(f"it is {service.status}, not {Status.PAUSED}; start it, or restart it")
