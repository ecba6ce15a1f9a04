"""What processes have counted, as the fleet's figures tell it."""

from __future__ import annotations

from prometheus_client.parser import text_string_to_metric_families

from onbeat.domain.meters import BOUNDS, Meter, Sum
from tests.telemetry.promtool import approve
from tests.telemetry.readings import reading, told


def sum_of(meter: Meter, *labels: str, bucket: int = 3, number: int = 1) -> Sum:
    within = tuple(number * (each == bucket) for each in range(len(BOUNDS) + 1))
    return Sum(meter, labels, within, 0.5 * number)


def figures(*sums: Sum) -> dict[tuple[str, ...], float]:
    """Each sample by its name and its labels, by their names; which promtool finds nothing wrong
    with.
    """
    text = told(reading(sums=sums))
    approve("check", "metrics", given=text)
    return {
        (each.name.removeprefix("onbeat_"), *dict(sorted(each.labels.items())).values()): each.value
        for family in text_string_to_metric_families(text)
        for each in family.samples
    }


def test_how_long_attempts_took_is_told_whatever_came_of_them_but_of_lost_ones() -> None:
    found = figures(
        sum_of(Meter.RAN, "q", "charge", "succeeded", bucket=0, number=3),
        sum_of(Meter.RAN, "q", "charge", "failed", bucket=len(BOUNDS)),
        sum_of(Meter.RAN, "q", "charge", "lost", bucket=0),
    )

    assert found["attempts_total", "succeeded", "q", "charge"] == 3
    assert found["attempts_total", "lost", "q", "charge"] == 1
    assert found["attempt_duration_seconds_bucket", "0.005", "q", "charge"] == 3
    assert found["attempt_duration_seconds_bucket", "3600.0", "q", "charge"] == 3
    assert found["attempt_duration_seconds_bucket", "+Inf", "q", "charge"] == 4
    assert found["attempt_duration_seconds_count", "q", "charge"] == 4
    assert found["attempt_duration_seconds_sum", "q", "charge"] == 2.0


def test_lateness_is_of_the_moments_that_made_jobs() -> None:
    found = figures(
        sum_of(Meter.FIRED, "ran", bucket=0, number=8), sum_of(Meter.FIRED, "late"),
        sum_of(Meter.FIRED, "missed"),
    )  # fmt: skip

    assert found["schedule_lateness_seconds_count",] == 9
    assert found["schedule_lateness_seconds_bucket", "0.005"] == 8
    assert [found["schedule_fires_total", each] for each in ("ran", "missed", "skipped")] == [
        8, 1, 0
    ]  # fmt: skip


def test_how_long_jobs_waited_is_told_by_queue() -> None:
    found = figures(sum_of(Meter.WAITED, "mail", number=2))

    assert found["job_wait_seconds_sum", "mail"] == 1.0
    assert found["job_wait_seconds_count", "mail"] == 2


def test_of_what_has_few_words_none_is_told_as_none() -> None:
    found = figures()

    assert found["schedule_lateness_seconds_count",] == 0
    assert found["scheduler_tick_duration_seconds_count",] == 0
    assert found["schedule_fires_total", "missed"] == 0
    assert found["retention_deleted_total", "by rule"] == 0
    assert found["notifications_total", "email", "failed"] == 0
    assert ("schedule_fires_total", "undecided") not in found


def test_notices_and_what_is_removed_are_counted() -> None:
    found = figures(
        sum_of(Meter.TOLD, "slack", "sent", number=4), sum_of(Meter.REMOVED, "ledger", number=9)
    )

    assert found["notifications_total", "slack", "sent"] == 4
    assert found["retention_deleted_total", "ledger"] == 9


def test_how_long_the_database_took_is_told_by_operation() -> None:
    found = figures(sum_of(Meter.ASKED, "claim", bucket=0, number=5))

    assert found["db_query_duration_seconds_bucket", "0.005", "claim"] == 5


def test_connections_of_the_process_asked_are_busy_or_free() -> None:
    found = figures()

    assert (found["db_pool", "busy"], found["db_pool", "free"]) == (2, 13)
    assert found["ws_clients",] == 3
