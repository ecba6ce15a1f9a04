"""Schedules by REST: what was and will be, and what is done by hand."""

from __future__ import annotations

import pytest

from onbeat import Onbeat
from tests.api.asking import Client, Wrong, misnamed

OF_ITS_CLOCK = {"task": "report", "every": "1h", "clock": "world"}


@pytest.fixture
async def acme(admin: Client) -> str:
    """The name of a schedule that lives by a clock which stands at noon."""
    clock = {"name": "world", "at": "2026-01-01T12:00:00Z"}
    await admin.told("POST", "/clocks", 201, json=clock)
    await admin.told("POST", "/schedules", 201, json={"name": "acme", **OF_ITS_CLOCK})
    return "acme"


async def test_it_is_paused_until_a_moment_with_a_reason_and_resumed(admin: Client) -> None:
    body = {"name": "hourly", "task": "report", "every": "1h"}
    await admin.told("POST", "/schedules", 201, json=body)

    why = {"why": "down", "until": "2090-01-01T00:00:00Z"}
    paused = await admin.told("POST", "/schedules/hourly/pause", json=why)
    resumed = await admin.told("POST", "/schedules/hourly/resume")

    assert (paused["paused_by"], paused["paused_why"]) == ("token:root", "down")
    assert paused["paused_until"] == "2090-01-01T00:00:00Z"
    assert resumed["paused_at"] is None


async def test_its_next_moments_are_left_out(admin: Client, acme: str) -> None:
    skipping = await admin.told("POST", f"/schedules/{acme}/skip", json={"count": 2})
    none = await admin.told("POST", f"/schedules/{acme}/skip", json={"count": 0})

    assert (skipping["skips"], skipping["skips_by"]) == (2, "token:root")
    assert (none["skips"], none["skips_by"]) == (0, None)


async def test_a_job_is_made_by_hand_also_for_a_moment_that_is_over(
    admin: Client, acme: str
) -> None:
    now = await admin.told("POST", f"/schedules/{acme}/trigger", 201)
    of_then = await admin.told(
        "POST", f"/schedules/{acme}/trigger", 201, json={"at": "2026-01-01T11:00:00Z"}
    )

    assert (now["state"], now["schedule"], now["occurrence_at"]) == ("pending", acme, None)
    assert of_then["occurrence_at"] == "2026-01-01T11:00:00Z"
    assert (await admin.told("GET", f"/jobs/{of_then['id']}"))["task"] == "report"


async def test_what_will_be_is_told_by_its_own_clock(admin: Client, acme: str) -> None:
    seen = await admin.told(
        "GET", f"/schedules/{acme}/next", params={"count": 2, "tz": "Europe/Paris"}
    )
    later = await admin.told(
        "GET", f"/schedules/{acme}/next", params={"count": 1, "from": "2026-02-01T00:30:00Z"}
    )

    assert [each["utc"] for each in seen["runs"]] == [
        "2026-01-01T12:00:00Z", "2026-01-01T13:00:00Z",
    ]  # fmt: skip
    assert seen["runs"][0]["local"] == "2026-01-01T13:00:00+01:00"
    assert [each["utc"] for each in later["runs"]] == ["2026-02-01T01:00:00Z"]


async def test_nothing_comes_of_one_that_is_over(admin: Client, acme: str) -> None:
    seen = await admin.told("PATCH", f"/schedules/{acme}", json={"end_at": "2026-01-01T14:00:00Z"})
    coming = await admin.told(
        "GET", f"/schedules/{acme}/next", params={"from": "2027-01-01T00:00:00Z"}
    )

    assert (seen["end_at"], coming["runs"]) == ("2026-01-01T14:00:00Z", [])


async def test_what_came_of_its_moments_is_told(admin: Client, acme: str) -> None:
    await admin.told("POST", "/clocks/world/advance", json={"by": "2h"})

    newest = await admin.told("GET", f"/schedules/{acme}/occurrences", params={"limit": 1})
    between = await admin.told(
        "GET", f"/schedules/{acme}/occurrences",
        params={"begin": "2026-01-01T12:00:00Z", "end": "2026-01-01T12:30:00Z"},
    )  # fmt: skip

    assert [each["due_at"] for each in newest["data"]] == ["2026-01-01T14:00:00Z"]
    assert [each["due_at"] for each in between["data"]] == ["2026-01-01T12:00:00Z"]
    assert between["data"][0]["outcome"] == "ran"


async def test_why_it_makes_no_job_is_told(admin: Client, acme: str) -> None:
    await admin.told("POST", f"/schedules/{acme}/pause")

    found = await admin.told("GET", f"/schedules/{acme}/why")

    assert [each["code"] for each in found["data"]] == ["paused"]
    assert isinstance(found["warnings"], list)


async def test_a_preview_stores_nothing(admin: Client) -> None:
    seen = await admin.told(
        "POST", "/schedules/preview",
        json={
            "cron": "30 2 * * *", "tz": "Europe/Paris", "from": "2026-03-28T00:00:00Z", "count": 2,
            "gap": "skip",
        },
    )  # fmt: skip

    assert [each["local"] for each in seen["runs"]] == [
        "2026-03-28T02:30:00+01:00", "2026-03-30T02:30:00+02:00",
    ]  # fmt: skip
    assert (bool(seen["description"]), bool(seen["warnings"])) == (True, True)
    assert (await admin.told("GET", "/schedules"))["data"] == []


async def test_what_is_wrong_with_a_preview_is_named(admin: Client) -> None:
    wrong: Wrong = [
        ("cron", "x"), ("from", "2027-01-01T00:00:00"), ("from", "x"), ("count", 0),
        ("count", 1_001), ("tz", "Mars"), ("workdays", "nowhere"), ("name", "acme"),
    ]  # fmt: skip

    assert await misnamed(admin, "POST", "/schedules/preview", {"every": "1h"}, wrong) == []
    assert await misnamed(admin, "POST", "/schedules/preview", {}, [("cron", None)]) == []
    over = {"from": "2027-01-01T00:00:00Z"}, [("once", "2026-01-01T00:00:00Z")]
    assert await misnamed(admin, "POST", "/schedules/preview", *over) == []


async def test_a_wrong_value_is_named(admin: Client, acme: str) -> None:
    wrong: dict[str, Wrong] = {
        "pause": [
            ("until", "2001-01-01T00:00:00Z"), ("until", "2090-01-01T00:00:00"), ("why", ""),
            ("whyy", "x"),
        ],
        "skip": [("count", -1), ("count", 1_001), ("count", "x")],
        "trigger": [("at", "2026-01-01T11:30:00Z"), ("at", "2090-01-01T00:00:00Z"), ("at", "x")],
    }  # fmt: skip
    for verb, values in wrong.items():
        assert await misnamed(admin, "POST", f"/schedules/{acme}/{verb}", {}, values) == []


async def test_a_wrong_question_is_named(admin: Client, acme: str) -> None:
    for path, field, value in (
        ("next", "count", "0"), ("next", "from", "x"), ("next", "tz", "Mars"),
        ("occurrences", "limit", "1001"), ("occurrences", "begin", "2026-01-01T00:00:00"),
        ("occurrences", "end", "x"),
    ):  # fmt: skip
        answer = await admin.get(f"/schedules/{acme}/{path}", params={field: value})
        assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, field)


async def test_what_is_not_there_is_told_so(admin: Client) -> None:
    for verb in ("pause", "resume", "skip", "trigger"):
        await admin.told("POST", f"/schedules/nowhere/{verb}", 404)
    for view in ("next", "occurrences", "versions", "why"):
        await admin.told("GET", f"/schedules/nowhere/{view}", 404)


async def test_each_thing_done_by_hand_is_written_down_once(
    admin: Client, ob: Onbeat, acme: str
) -> None:
    job = await admin.told("POST", f"/schedules/{acme}/trigger", 201)
    for path in ("pause", "resume", "skip"):
        await admin.told("POST", f"/schedules/{acme}/{path}")

    entries = (await admin.told("GET", "/audit", params={"subject": acme}))["data"]

    skipped, resumed, paused, triggered, _ = entries
    assert [each["action"] for each in entries] == [
        "schedule.skip", "schedule.resume", "schedule.pause", "schedule.trigger",
        "schedule.create",
    ]  # fmt: skip
    assert (triggered["before"], triggered["after"]["id"]) == (None, job["id"])
    assert (paused["before"]["paused_by"], paused["after"]["paused_by"]) == (None, "token:root")
    assert (resumed["before"]["paused_by"], resumed["after"]["paused_by"]) == ("token:root", None)
    assert skipped["after"]["skips"] == 1
