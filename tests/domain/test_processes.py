"""Which services are meant, and how all of them are, taken together."""

from __future__ import annotations

from datetime import timedelta

import pytest

from onbeat.domain.errors import NotFound
from onbeat.domain.processes import Condition, Process, chosen, health, patience
from onbeat.domain.services import Snapshot, Status


def service(kind: str, status: Status = Status.RUNNING, *, critical: bool = True) -> Snapshot:
    """A service that stands so."""
    return Snapshot(id=kind, name=kind, status=status, critical=critical)


def process(number: int, *services: Snapshot, instance: str = "") -> Process:
    """A process with these."""
    return Process(
        id=f"{number:032x}", instance=instance, host="h", pid=1, version="1", services=services
    )


FLEET = (
    process(1, service("scheduler"), service("cleaner"), instance="web-1"),
    process(2, service("scheduler"), instance="web-2"),
)


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ("scheduler", ["scheduler@00000001", "scheduler@00000002"]),
        ("cleaner", ["cleaner@00000001"]),
        ("scheduler@00000002", ["scheduler@00000002"]),
        (f"scheduler@{2:032x}", ["scheduler@00000002"]),
        ("scheduler@web-1", ["scheduler@00000001"]),
    ],
)
def test_a_kind_means_all_of_it_and_with_a_process_the_one(
    wanted: str, expected: list[str]
) -> None:
    assert [each.id for each in chosen(FLEET, wanted)] == expected


@pytest.mark.parametrize("wanted", ["", "sched", "cleaner@00000002", "scheduler@", "@00000001"])
def test_what_is_not_there_is_refused_with_the_kinds_that_are(wanted: str) -> None:
    with pytest.raises(NotFound, match="there are: cleaner, scheduler"):
        chosen(FLEET, wanted)


def test_two_of_a_kind_have_ids_that_tell_them_apart() -> None:
    ids = [each.id for each in chosen(FLEET, "scheduler")]

    assert len(set(ids)) == 2


RUNNING = service("scheduler")


@pytest.mark.parametrize(
    ("beside", "expected"),
    [
        ([], Condition.HEALTHY),
        ([service("x", Status.ERROR)], Condition.UNHEALTHY),
        ([service("x", Status.STARTING)], Condition.UNHEALTHY),
        ([service("x", Status.ERROR, critical=False)], Condition.DEGRADED),
        ([service("x", Status.PAUSED)], Condition.DEGRADED),
        ([service("x", Status.STOPPED)], Condition.DEGRADED),
    ],
)
def test_only_a_critical_service_that_fails_is_unhealthy(
    beside: list[Snapshot], expected: Condition
) -> None:
    assert health([process(1, RUNNING, *beside)]).condition is expected


def test_without_a_scheduler_nothing_is_healthy() -> None:
    assert not health([process(1, service("cleaner"))]).healthy
    assert not health([]).healthy


def test_health_counts_what_runs_and_what_has_failed() -> None:
    found = health([process(1, RUNNING, service("a", Status.ERROR), service("b", Status.PAUSED))])

    assert (len(found.services), found.running, found.errors) == (3, 1, 1)


def test_a_wish_is_waited_for_a_little_longer_than_a_heartbeat_yet_not_for_ever() -> None:
    assert patience(timedelta(seconds=5)) == timedelta(seconds=6)
    assert patience(timedelta(minutes=5)) == timedelta(seconds=10)
