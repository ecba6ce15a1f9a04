"""Figures of schedulers, each by itself."""

from __future__ import annotations

from dataclasses import replace

from prometheus_client.parser import text_string_to_metric_families

from tests.telemetry.readings import reading, told


def samples(text: str) -> dict[tuple[str, frozenset[str]], float]:
    return {
        (each.name, frozenset(each.labels.values())): each.value
        for family in text_string_to_metric_families(text)
        for each in family.samples
    }


def test_each_scheduler_tells_of_its_cycles_by_its_short_id() -> None:
    found = samples(told(reading()))

    assert found["onbeat_scheduler_cycles_total", frozenset({"5d0c2f1a", "success"})] == 11
    assert found["onbeat_scheduler_cycles_total", frozenset({"5d0c2f1a", "failure"})] == 1
    assert found["onbeat_scheduler_cycle_seconds", frozenset({"5d0c2f1a"})] == 0.04
    assert found["onbeat_scheduler_cycle_mean_seconds", frozenset({"5d0c2f1a"})] == 0.02


def test_a_scheduler_that_has_had_no_cycle_tells_of_no_time() -> None:
    (seen,) = reading().services
    new = replace(seen.snapshot, last_duration=None, mean_duration=None)

    found = samples(told(reading(services=[replace(seen, snapshot=new)])))

    assert not any(name.startswith("onbeat_scheduler_cycle_") for name, _ in found)


def test_other_services_are_no_schedulers() -> None:
    (seen,) = reading().services
    worker = replace(seen, snapshot=replace(seen.snapshot, id="worker"))

    assert not any("cycle" in name for name, _ in samples(told(reading(services=[worker]))))
