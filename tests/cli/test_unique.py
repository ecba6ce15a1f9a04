"""Unique jobs, deadlines and dead letters at the command line."""

from __future__ import annotations

from typing import Any

import pytest

from onbeat import Onbeat, Retry, Settings
from tests.cli.running import Cli

ORDER = ("--args", '{"order_id": 42}')


@pytest.fixture
def on(cli: Cli, database_url: str, monkeypatch: pytest.MonkeyPatch) -> Cli:
    """The command line, on either engine."""
    monkeypatch.setenv("ONBEAT_DB", database_url)
    return cli


WAYS = [
    ("--unique",),
    ("--unique-by", "order_id"),
    ("--unique-key", "mine"),
    ("--unique", "--unique-until", "begun"),
    ("--unique", "--unique-within", "10m"),
]


@pytest.mark.parametrize("way", WAYS)
def test_a_second_job_is_told_to_be_a_duplicate_and_of_which(on: Cli, way: tuple[str, ...]) -> None:
    first = on.answer("jobs", "enqueue", "charge", *ORDER, *way)
    second = on.answer("jobs", "enqueue", "charge", *ORDER, *way)

    assert (first["is_new"], second["is_new"]) == (True, False)
    assert second["job"]["id"] == first["job"]["id"]
    assert len(on.answer("jobs", "ls")["jobs"]) == 1


def test_a_job_takes_the_place_of_one_that_waits(on: Cli) -> None:
    asked = ("jobs", "enqueue", "charge", *ORDER, "--unique", "--replace")
    first, second = on.answer(*asked)["job"], on.answer(*asked)["job"]

    shown = on.answer("jobs", "show", first["id"])["job"]
    assert (shown["state"], shown["reason"]) == ("cancelled", f"replaced by job {second['id']}")


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (("--unique-by", "order_id", "--unique-key", "k"), "key: it is given together with by"),
        (("--unique", "--unique-until", "ended", "--unique-within", "1m"), "within: it is given"),
        (("--unique", "--unique-until", "later"), "until: 'later' is not known"),
        (("--unique-by", "order"), "unique: charge has no argument 'order'"),
        (("--unique", "--unique-key", "k"), "unique_key: it is given together with unique"),
        (("--unique", "--unique-by", "order_id"), "unique_by: it is given together with unique"),
        (("--replace",), "replace: nothing says what is the same"),
        (("--unique-within", "10m"), "unique_within: nothing says what is the same"),
        (("--start-within", "0s"), "start_within: 0 leaves no time"),
    ],
)
def test_what_cannot_be_is_refused_by_name_and_nothing_is_stored(
    on: Cli, given: tuple[str, ...], said: str
) -> None:
    code, message = on.refusal("jobs", "enqueue", "charge", *ORDER, *given)

    assert code == 2
    assert said in message
    assert on.answer("jobs", "ls")["jobs"] == []


def test_a_job_says_by_when_it_must_begin(on: Cli) -> None:
    asked = ("--start-by", "2040-01-01T00:00:00Z")
    job = on.answer("jobs", "enqueue", "charge", *ORDER, *asked)["job"]

    why = on.answer("jobs", "why", job["id"])

    assert job["expires_at"] == "2040-01-01T00:00:00Z"
    told = [each["what"] for each in why["reasons"] if each["code"] == "expires"]
    assert told == ["it is called off if it has not begun by 2040-01-01 00:00:00 UTC"]


@pytest.fixture
def dead(database_url: str) -> list[str]:
    """Three jobs that have failed."""
    ob = Onbeat(database_url, settings=Settings())

    @ob.task(retry=Retry(1))
    async def breaks(number: int) -> None:
        raise RuntimeError(f"no money for {number}")

    async def fail() -> list[str]:
        handles = await ob.enqueue_many(breaks.bind(n) for n in range(3))
        async with ob.running(scheduler=False):
            for each in handles:
                with pytest.raises(Exception, match="no money"):
                    await each.result("20s")
        return [each.id for each in handles]

    found: list[str] = ob._context.block(fail)
    ob.close_blocking()
    return found


def test_dead_letters_run_again_and_say_that_they_had_ended(on: Cli, dead: list[str]) -> None:
    counted = on.answer("jobs", "redrive", "--task", "breaks", "--error", "money", "--dry-run")
    assert on.answer("jobs", "ls", "--state", "failed")["jobs"] != []
    done = on.answer("jobs", "redrive", "--task", "breaks", "--error", "money", "--limit", "2")

    assert counted == {"count": 3, "dry_run": True, "refused": {}}
    assert done == {"count": 2, "dry_run": False, "refused": {}}
    shown = on.text("jobs", "show", dead[0])
    assert "it had ended after 1 attempt: failed (RuntimeError: no money for 0)" in shown
    assert [each["outcome"] for each in on.answer("jobs", "show", dead[0])["attempts"]] == [
        "failed"
    ]


def test_many_jobs_are_cancelled_by_what_they_are(on: Cli) -> None:
    for queue in ("a", "a", "b"):
        on.answer("jobs", "enqueue", "charge", "--queue", queue)

    counted = on.answer("jobs", "cancel", "--queue", "a", "--dry-run")
    done = on.answer("jobs", "cancel", "--queue", "a", "--reason", "not needed")

    assert counted == {"cancelled": 2, "asked": 0, "dry_run": True}
    assert done == {"cancelled": 2, "asked": 0, "dry_run": False}
    left: list[Any] = on.answer("jobs", "ls", "--state", "pending")["jobs"]
    assert [each["queue"] for each in left] == ["b"]


def test_cancel_wants_ids_or_what_the_jobs_are(on: Cli) -> None:
    job = on.answer("jobs", "enqueue", "charge")["job"]["id"]

    assert "nothing says which" in on.refusal("jobs", "cancel")[1]
    assert "ids are given together" in on.refusal("jobs", "cancel", job, "--queue", "a")[1]
