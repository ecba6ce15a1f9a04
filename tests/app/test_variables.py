"""Variables that set one service or schedule of an application."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from onbeat import Onbeat, PartitionedService, PeriodicService, Service, Settings, cron, every
from onbeat.app.doctor.examination import examine
from onbeat.app.processes import Parts
from onbeat.app.variables import (
    declared_timed,
    refuse_shared,
    set_by_variables,
    timed,
    variables_of,
)
from onbeat.domain.errors import InvalidSetting
from onbeat.domain.recurrence import Recurrence, once
from onbeat.settings import OF_ONE, unknown_variables
from onbeat.store.store import Store

PARIS = cron("0 2 * * *", tz="Europe/Paris", gap="skip")


class Counting(PeriodicService):
    async def run_once(self) -> None: ...


class Looping(Service):
    async def step(self) -> float:
        return 1


class Importing(PartitionedService):
    async def keys(self) -> list[str]:
        return []

    async def run_key(self, key: str) -> None: ...


def counting(**environ: str) -> Counting:
    """A service that its code says everything of, and its variables say otherwise."""
    made = Counting(id="csv-import", when=PARIS, timeout=timedelta(minutes=1))
    set_by_variables(made, environ)
    return made


def test_without_variables_it_is_as_its_code_says() -> None:
    found = counting()

    assert (found.when, found.timeout, found.retries) == (PARIS, timedelta(minutes=1), 0)
    assert (found.auto_start, found.critical) == (True, True)


def test_each_variable_says_one_thing_of_it() -> None:
    found = counting(
        CSV_IMPORT_INTERVAL="90s", CSV_IMPORT_TIMEOUT="PT5M", CSV_IMPORT_RETRIES="3",
        CSV_IMPORT_ENABLED="off", CSV_IMPORT_AUTO_RESTART="false",
    )  # fmt: skip

    assert (found.when, found.timeout, found.retries) == (every("90s"), timedelta(minutes=5), 3)
    assert (found.auto_start, found.critical) == (False, False)


def test_a_timeout_that_is_a_number_alone_is_of_milliseconds() -> None:
    found = counting(CSV_IMPORT_TIMEOUT="300000")

    assert found.timeout == timedelta(minutes=5)


def test_with_the_prefix_it_wins() -> None:
    found = counting(CSV_IMPORT_RETRIES="3", ONBEAT_CSV_IMPORT_RETRIES="0", IMPORT_RETRIES="7")

    assert found.retries == 0


async def test_a_service_of_keys_is_bounded_by_the_run(store: Store) -> None:
    made = Importing(store, id="csv.import", when=every("1h"))

    set_by_variables(made, {
        "CSV_IMPORT_TIMEOUT": "2s", "CSV_IMPORT_CONCURRENCY": "3", "CSV_IMPORT_CRON": "*/5 * * * *",
    })  # fmt: skip

    assert (made.run_timeout, made.timeout, made.concurrency) == (timedelta(seconds=2), None, 3)
    assert made.when == cron("*/5 * * * *")


def test_a_loop_has_no_moments_that_could_be_said() -> None:
    made = set_by_variables(
        Looping(id="csv-import"), {"CSV_IMPORT_INTERVAL": "its own", "CSV_IMPORT_TIMEOUT": "3s"}
    )

    assert made.timeout == timedelta(seconds=3)


@pytest.mark.parametrize(
    ("when", "variable", "text", "due"),
    [
        (PARIS, "CRON", "30 4 * * mon", cron("30 4 * * mon", tz="Europe/Paris", gap="skip")),
        (every("1 day", tz="Asia/Tokyo"), "CRON", "@daily", cron("@daily", tz="Asia/Tokyo")),
        (once("2030-01-01T00:00:00Z"), "CRON", "0 4 * * *", cron("0 4 * * *")),
        (PARIS, "INTERVAL", "15m", every("15m")),
        (every("1 day", tz="Asia/Tokyo"), "INTERVAL", "2 days", every("2 days", tz="Asia/Tokyo")),
        (every("5m", after_finish=True), "INTERVAL", " 9m ", every("9m", after_finish=True)),
        (PARIS, "INTERVAL", "*/10 * * * *", cron("*/10 * * * *", tz="Europe/Paris", gap="skip")),
        (every("1h"), "INTERVAL", "*/30 * * * * *", cron("*/30 * * * * *")),
        (every("1h"), "INTERVAL", "@hourly", cron("@hourly")),
        (PARIS, "INTERVAL", "1 hour 30 minutes", every("90m")),
    ],
)
def test_what_is_said_is_in_the_zone_of_what_it_replaces(
    when: Recurrence, variable: str, text: str, due: Recurrence
) -> None:
    assert timed("close-day", when, {f"CLOSE_DAY_{variable}": text}) == due


@pytest.mark.parametrize(
    ("environ", "told"),
    [
        (
            {"CSV_IMPORT_INTERVAL": "often"},
            "CSV_IMPORT_INTERVAL: 'often' is not a duration; write it like 90s, 15m",
        ),
        (
            {"ONBEAT_CSV_IMPORT_CRON": "0 25 * * *"},
            "ONBEAT_CSV_IMPORT_CRON: '0 25 * * *' is not allowed: 25",
        ),
        (
            {"CSV_IMPORT_CRON": "0 2 * * *", "ONBEAT_CSV_IMPORT_INTERVAL": "1h"},
            "CSV_IMPORT_CRON: ONBEAT_CSV_IMPORT_INTERVAL is there, too; give one of them, and take "
            "away the other",
        ),
        ({"CSV_IMPORT_TIMEOUT": "0s"}, "CSV_IMPORT_TIMEOUT: '0s' is no time; give more than 0s"),
        ({"CSV_IMPORT_TIMEOUT": "30"}, "CSV_IMPORT_TIMEOUT: '30'"),
        ({"CSV_IMPORT_INTERVAL": "*/10 25 * * *"}, "CSV_IMPORT_INTERVAL: '*/10 25 * * *' is not"),
        (
            {"CSV_IMPORT_ENABLED": "maybe"},
            "CSV_IMPORT_ENABLED: 'maybe' is not allowed; give true or false",
        ),
        (
            {"CSV_IMPORT_RETRIES": "-1"},
            "CSV_IMPORT_RETRIES: '-1' is not allowed; give a whole number from 0 to 100",
        ),
    ],
)
def test_a_wrong_one_is_refused_with_its_value_and_what_to_do(
    environ: dict[str, str], told: str
) -> None:
    with pytest.raises(InvalidSetting) as refused:
        counting(**environ)

    assert str(refused.value).startswith(told)


async def test_a_wrong_one_stops_the_start(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COUNTING_TIMEOUT", "long")
    ob = Onbeat(database_url, settings=Settings())
    ob.service(lambda store: Counting(id="counting", when=PARIS))

    async with ob:
        with pytest.raises(InvalidSetting, match="COUNTING_TIMEOUT: 'long' is not a duration"):
            async with ob.running(worker=False):
                pass


async def test_one_that_is_not_enabled_is_there_and_not_started(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COUNTING_ENABLED", "false")
    ob = Onbeat(database_url, settings=Settings())
    ob.service(lambda store: Counting(id="counting", when=PARIS))

    async with ob, ob.running(worker=False) as manager:
        assert manager.get("counting").status == "STOPPED"


async def test_a_schedule_in_code_is_due_as_its_variable_says(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CLOSE_DAY_CRON", "30 4 * * *")
    ob = Onbeat(database_url, settings=Settings())
    declared: Any = ob.schedule(PARIS)(ob.task(name="close-day")(close_day))

    async with ob, ob.running(worker=False):
        [found] = await ob.schedules.list()

    assert declared.name == "close-day"
    assert found.recurrence == cron("30 4 * * *", tz="Europe/Paris", gap="skip")


async def close_day() -> None:
    """The day's last task."""


async def test_a_variable_of_another_program_stops_no_import_and_is_told(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CLOSE_DAY_INTERVAL", "300")
    ob = Onbeat(database_url, settings=Settings())

    ob.schedule(PARIS)(ob.task(name="close-day")(close_day))

    told = [
        "CLOSE_DAY_INTERVAL: '300' has no unit; write 300s for seconds or 300m for minutes; it is "
        "not taken for the schedule 'close-day'; with ONBEAT_ before it, it would be"
    ]
    assert [each.recurrence for each in ob.schedules.declared] == [PARIS]
    assert ob.schedules.passed_over == told
    async with ob:
        found = [each.message async for each in examine(ob)]
    assert [each for each in found if "CLOSE_DAY" in each] == told


@pytest.mark.parametrize(
    ("environ", "due"),
    [
        ({"SYNC_CRON": "daily", "SYNC_INTERVAL": "5m"}, PARIS),
        ({"SYNC_CRON": "daily", "ONBEAT_SYNC_INTERVAL": "5m"}, every("5m")),
    ],
)
def test_of_a_schedule_what_has_the_prefix_is_heeded_alone(
    environ: dict[str, str], due: Recurrence
) -> None:
    assert declared_timed("sync", PARIS, environ)[0] == due


def test_what_has_the_prefix_must_be_read() -> None:
    with pytest.raises(InvalidSetting, match="ONBEAT_SYNC_INTERVAL: '300'"):
        declared_timed("sync", PARIS, {"ONBEAT_SYNC_INTERVAL": "300"})


def test_a_name_without_letters_has_no_variables() -> None:
    environ = {"_INTERVAL": "5m", "ONBEAT__INTERVAL": "5m", "_RETRIES": "7"}
    made = Counting(id="日报", when=PARIS)
    set_by_variables(made, environ)

    assert (made.when, made.retries, variables_of(made)) == (PARIS, 0, ())
    assert declared_timed("日报", PARIS, environ) == (PARIS, None)


@pytest.mark.parametrize(
    ("environ", "refused"),
    [
        ({"CSV_IMPORT_RETRIES": "3"}, "CSV_IMPORT_RETRIES: the service 'csv-import' and the "
         "service 'csv.import' would both be set by it; rename one of them"),
        ({"ONBEAT_SYNC_CRON": "0 2 * * *"}, "ONBEAT_SYNC_CRON: the schedule 'sync' and the "
         "schedule 'Sync' would both be set by it; rename one of them"),
        ({"SYNC_CRON": "0 2 * * *"}, "SYNC_CRON: the schedule 'sync'"),
        ({"SYNC_CRON": "daily", "SYNC_RETRIES": "3", "CSV_IMPORT_PATH": "x"}, None),
    ],
)  # fmt: skip
def test_a_variable_that_would_set_two_is_refused(
    environ: dict[str, str], refused: str | None
) -> None:
    services = [Counting(id=each, when=PARIS) for each in ("csv-import", "csv.import")]
    schedules = ["sync", "Sync", "other"]
    if refused is None:
        refuse_shared(services, schedules, environ)
        return
    with pytest.raises(InvalidSetting, match=re.escape(refused)):
        refuse_shared(services, schedules, environ)


async def test_a_service_that_does_not_run_here_stops_nothing(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COUNTING_TIMEOUT", "long")
    ob = Onbeat(database_url, settings=Settings())
    ob.service(lambda store: Counting(id="counting", when=PARIS))
    ob.service(lambda store: Looping(id="looping", auto_start=False))
    parts = Parts.from_settings(ob.settings, worker=False, scheduler=False)

    async with ob, ob.running(parts=replace(parts, own=["looping"])) as manager:
        assert manager.get("looping").status == "RUNNING"


async def test_two_that_a_variable_would_set_stop_the_start(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CLOSE_DAY_CRON", "30 4 * * *")
    ob = Onbeat(database_url, settings=Settings())
    ob.schedule(PARIS)(ob.task(name="close-day")(close_day))
    ob.service(lambda store: Counting(id="close.day", when=PARIS))

    async with ob:
        with pytest.raises(InvalidSetting, match="CLOSE_DAY_CRON: the service"):
            async with ob.running(worker=False):
                pass


def test_what_sets_a_service_is_taken_for_no_mistake_unless_a_setting_is_near() -> None:
    environ = dict.fromkeys(("ONBEAT_CSV_IMPORT_CRON", "ONBEAT_SCHEDULR_ENABLED", "ONBEAT_CSV"), "")

    assert unknown_variables(environ) == [
        ("ONBEAT_CSV", None), ("ONBEAT_SCHEDULR_ENABLED", "ONBEAT_SCHEDULER_ENABLED"),
    ]  # fmt: skip


async def test_the_variables_that_set_one_are_told_and_documented(store: Store) -> None:
    loop, periodic = Looping(id="csv-import"), Counting(id="csv-import", when=PARIS)
    of_keys = Importing(store, id="csv-import", when=PARIS)
    names = [{each.removeprefix("CSV_IMPORT") for each in variables_of(one)}
             for one in (loop, periodic, of_keys)]  # fmt: skip

    assert names[0] == {"_ENABLED", "_TIMEOUT", "_AUTO_RESTART"}
    assert names[1] - names[0] == {"_CRON", "_INTERVAL", "_RETRIES"}
    assert names[2] - names[1] == {"_CONCURRENCY"}
    assert names[2] == set(OF_ONE)
    document = (Path(__file__).parents[2] / "docs/services.md").read_text()
    assert [each for each in OF_ONE if f"`CSV_IMPORT{each}`" not in document] == []
