"""Starts services in order, watches them, and stops them the other way round."""

from __future__ import annotations

from collections.abc import Iterator

from onbeat.domain.errors import Conflict, NotFound
from onbeat.domain.services import Snapshot, Status
from onbeat.runtime.service import Service


class ServiceManager:
    """The services of one process, by id."""

    def __init__(self) -> None:
        """Start with none."""
        self._services: dict[str, Service] = {}

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
        for service in self._services.values():
            if service.auto_start:
                await service.start()

    async def stop(self) -> None:
        """Stop all, the last first, so that what others build on goes last."""
        for service in reversed(self._services.values()):
            await service.stop()

    async def restart(self, service_id: str) -> None:
        """Stop and start one."""
        service = self.get(service_id)
        await service.stop()
        await service.start()

    def snapshots(self) -> list[Snapshot]:
        """How each stands now."""
        return [service.snapshot() for service in self._services.values()]

    @property
    def healthy(self) -> bool:
        """Whether every critical service that was started does its duty."""
        return all(
            each.healthy or each.status is Status.STOPPED
            for each in self.snapshots()
            if each.critical
        )
