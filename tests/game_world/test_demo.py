"""The example as its users run it, on either engine, held against the database."""

from __future__ import annotations

from collections import Counter

import pytest

from onbeat import Job, JobFilter, Onbeat, Settings, State
from tests.game_world.running import play, refused, states

DAYS, EFFECTS, TOWNS = 20, 30, 3
MOMENTS = DAYS + 1  # the first day begins with one
SHORT = ("--campaigns", "1", "--days", str(DAYS), "--seconds", "4", "--effects", str(EFFECTS))

CRONS = ("CRON_EVENT_EXPIRATION", "CRON_SETTLEMENT_GROWTH", "CRON_STRUCTURE_MAINTENANCE")
NEVER_NOW = dict.fromkeys(CRONS, "0 0 1 1 *")
EACH_SECOND = dict.fromkeys(CRONS, "* * * * * *")

on_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


async def jobs(url: str, task: str) -> list[Job]:
    """All of a task."""
    async with Onbeat(url, settings=Settings()) as ob:
        return list(await ob.jobs.list(JobFilter(task=task, limit=1_000)))


async def test_a_world_becomes_what_its_laws_say_each_job_once_though_its_server_was_away(
    database_url: str,
) -> None:
    told = play(database_url, *SHORT, "--outage", "1", **NEVER_NOW)

    assert "the server of the worlds is away" in told
    assert f"{EFFECTS} due" in told
    effects = await jobs(database_url, "DEFERRED_EFFECT")
    assert [each.state for each in effects] == [State.COMPLETED] * EFFECTS
    assert len(await jobs(database_url, "SETTLEMENT_GROWTH")) == TOWNS * MOMENTS
    for task in ("STRUCTURE_MAINTENANCE", "EVENT_EXPIRATION"):
        assert len(await jobs(database_url, task)) == MOMENTS


@on_sqlite
def test_the_same_seed_ends_in_the_same_state_however_the_run_went(
    database_url: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    other = f"sqlite:///{tmp_path_factory.mktemp('other') / 'onbeat.db'}"

    calm = states(play(database_url, *SHORT, "--outage", "0", **NEVER_NOW))
    troubled = states(play(other, *SHORT, "--outage", "1", "--seconds", "2", **EACH_SECOND))

    assert calm == troubled
    assert len(calm) == 1


@on_sqlite
async def test_an_outage_of_many_openings_of_the_breaker_loses_and_doubles_no_effect(
    database_url: str,
) -> None:
    told = play(
        database_url, *SHORT, "--outage", "4",
        API_CIRCUIT_BREAKER_DURATION_MS="100", QUEUE_RETRY_BACKOFF_MS="50",
    )  # fmt: skip

    assert f"{EFFECTS} executed" in told
    effects = await jobs(database_url, "DEFERRED_EFFECT")
    assert Counter(each.state for each in effects) == {State.COMPLETED: EFFECTS}


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("CRON_EVENT_EXPIRATION", "*/5 * *"),
        ("API_URL", "no address"),
        ("QUEUE_MAX_RETRIES", "many"),
    ],
)
def test_a_variable_that_is_wrong_stops_the_start_and_shows_what_was_said(
    database_url: str, variable: str, value: str
) -> None:
    said = refused(database_url, **{variable: value})

    assert "importing 'examples.game_world.game' failed" in said
    assert variable in said or value in said
