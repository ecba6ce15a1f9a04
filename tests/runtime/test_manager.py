"""The manager starts services in order and stops them the other way round."""

from __future__ import annotations

import pytest

from onbeat.domain.errors import Conflict, NotFound
from onbeat.domain.services import Status
from onbeat.runtime.manager import ServiceManager
from tests.runtime.services import Scripted, Told


class Logged(Scripted):
    """Writes down when it is set up and cleaned up."""

    def __init__(self, name: str, log: list[str], **options: object) -> None:
        super().__init__(**{"id": name, **options})
        self.log = log

    async def set_up(self) -> None:
        self.log.append(f"+{self.id}")
        await super().set_up()

    async def clean_up(self) -> None:
        self.log.append(f"-{self.id}")


def managing(*services: Scripted) -> ServiceManager:
    """A manager of these."""
    manager = ServiceManager()
    for service in services:
        manager.register(service)
    return manager


async def test_services_start_in_order_and_stop_in_reverse() -> None:
    log: list[str] = []
    manager = managing(Logged("a", log), Logged("b", log), Logged("c", log))

    await manager.start()
    await manager.stop()

    assert log == ["+a", "+b", "+c", "-c", "-b", "-a"]


async def test_one_that_does_not_start_by_itself_is_left_alone() -> None:
    log: list[str] = []
    manager = managing(Logged("a", log), Logged("b", log, auto_start=False))

    await manager.start()
    await manager.stop()

    assert log == ["+a", "-a"]


async def test_one_that_fails_to_start_does_not_hold_up_the_others() -> None:
    log: list[str] = []
    failing = Logged("a", log)
    failing.set_up_acts.append(RuntimeError("no"))
    manager = managing(failing, Logged("b", log))

    await manager.start()
    statuses = {each.id: each.status for each in manager.snapshots()}
    await manager.stop()

    assert statuses == {"a": Status.ERROR, "b": Status.RUNNING}


async def test_restarting_stops_and_starts_one() -> None:
    log: list[str] = []
    manager = managing(Logged("a", log), Logged("b", log))
    await manager.start()

    await manager.restart("a")
    await manager.stop()

    assert log == ["+a", "+b", "-a", "+a", "-b", "-a"]


def test_an_unknown_id_is_refused_with_those_there_are() -> None:
    manager = managing(Scripted(id="a"), Scripted(id="b"))

    with pytest.raises(NotFound, match="no service 'c' in this process; there are: a, b"):
        manager.get("c")


def test_an_id_that_is_taken_is_refused() -> None:
    with pytest.raises(Conflict, match="'a' is registered already"):
        managing(Scripted(id="a"), Scripted(id="a"))


async def test_running_services_are_healthy() -> None:
    manager = managing(Scripted(id="a"))
    await manager.start()

    healthy = manager.healthy
    await manager.stop()

    assert healthy


async def test_a_paused_service_is_healthy() -> None:
    service = Scripted(id="a")
    manager = managing(service)
    await manager.start()
    service.pause()

    healthy = manager.healthy
    await manager.stop()

    assert healthy


@pytest.mark.parametrize(("critical", "expected"), [(True, False), (False, True)])
async def test_only_a_critical_service_in_error_is_unhealthy(
    critical: bool, expected: bool, told: Told
) -> None:
    manager = managing(Scripted(RuntimeError("no"), id="a", critical=critical, emit=told))
    await manager.start()
    await told.hear(Status.ERROR)

    healthy = manager.healthy
    await manager.stop()

    assert healthy is expected


async def test_a_manager_whose_services_are_stopped_is_healthy() -> None:
    assert managing(Scripted(id="a")).healthy


async def test_what_hinders_a_process_is_what_hinders_a_service_that_it_needs() -> None:
    failed, held, minor = Scripted(id="a"), Hindered(id="b"), Scripted(id="c", critical=False)
    manager = managing(failed, held, minor)
    await manager.start()
    found = [manager.hindrance()]
    held.said = "it waits for a lock"
    found.append(manager.hindrance())
    held.pause()
    minor.status = Status.ERROR
    found += [manager.hindrance(), manager.hindrance(needed=["c"])]
    failed.status = Status.ERROR
    found.append(manager.hindrance())
    await manager.stop()
    found.append(manager.hindrance())

    assert found == [
        None, "b: it waits for a lock", None, "c is ERROR", "a is ERROR",
        "draining: it takes nothing new, and ends when its work has",
    ]  # fmt: skip


async def test_what_hinders_a_service_that_is_not_critical_hinders_no_process() -> None:
    minor = Hindered(id="a", critical=False)
    minor.said = "the partner is away"
    manager = managing(minor)
    await manager.start()
    found = [manager.hindrance(), manager.hindrance(needed=["a"])]
    await manager.stop()

    assert found == [None, "a: the partner is away"]


class Hindered(Scripted):
    """Says what hinders it."""

    said: str | None = None

    @property
    def hindrance(self) -> str | None:
        return self.said
