"""Crontabs over HTTP: told first, made whole or not at all, brought up to date."""

from __future__ import annotations

from typing import Any

from starlette.types import ASGIApp

from onbeat import Onbeat
from onbeat.domain.access import Permission
from tests.api.asking import Client, allowed, misnamed

TEXT = "MAILTO=ops\n0 3 * * * /usr/bin/backup --all\n*/5 * * * * /usr/bin/poll\n"
SAID: dict[str, Any] = {"name": "host1", "text": TEXT, "tz": "Europe/Paris"}
WRONG = TEXT + "61 * * * * /usr/bin/never\n"


async def names(ob: Onbeat) -> list[str]:
    """Of all schedules."""
    return [each.name for each in await ob.schedules.list()]


async def test_a_dry_run_tells_what_would_be_made_and_makes_nothing(
    ob: Onbeat, admin: Client
) -> None:
    told = await admin.told("POST", "/crontabs/import", json=SAID | {"dry_run": True})

    assert [(each["line"], each["change"]) for each in told["entries"]] == [
        (2, "added"), (3, "added"),
    ]  # fmt: skip
    assert told["entries"][0]["next_due_at"] is not None
    assert told["variables"] == [{"line": 1, "name": "MAILTO"}]
    assert await names(ob) == []


async def test_its_lines_become_schedules_and_that_is_written_down(
    ob: Onbeat, admin: Client
) -> None:
    told = await admin.told("POST", "/crontabs/import", json=SAID)
    again = await admin.told("POST", "/crontabs/import", json=SAID)
    made = [each["schedule"] for each in told["entries"]]
    entries = (await admin.told("GET", "/audit?action=crontab.import"))["data"]

    assert await names(ob) == sorted(made)
    assert {each["change"] for each in again["entries"]} == {"unchanged"}
    assert (entries[-1]["subject"], entries[-1]["after"]) == (
        "crontab:host1", {"schedules": sorted(made)},
    )  # fmt: skip


async def test_a_wrong_line_is_named_with_its_reason_and_nothing_is_made(
    ob: Onbeat, admin: Client
) -> None:
    told = await admin.told("POST", "/crontabs/import", 400, json=SAID | {"text": WRONG})
    dry = await admin.told("POST", "/crontabs/import", json=SAID | {"text": WRONG, "dry_run": True})
    bad = [each for each in dry["passed"] if each["bad"]]

    assert told["errors"][0]["field"] == "text"
    assert "line 4: " in told["detail"]
    assert "nothing was made" in told["detail"]
    assert await names(ob) == []
    assert [each["line"] for each in bad] == [4]
    assert bad[0]["reason"] in told["detail"]
    assert "minute" in bad[0]["reason"]


async def test_what_is_right_is_made_where_that_is_asked_for(ob: Onbeat, admin: Client) -> None:
    sent = SAID | {"text": WRONG, "skip_wrong": True}
    told = await admin.told("POST", "/crontabs/import", json=sent)

    assert len(await names(ob)) == len(told["entries"]) == 2


async def test_a_schedule_whose_line_is_gone_is_removed_with_prune_alone(
    ob: Onbeat, admin: Client
) -> None:
    await admin.told("POST", "/crontabs/import", json=SAID)
    less = SAID | {"text": TEXT.rsplit("*/5", 1)[0]}
    kept = await admin.told("POST", "/crontabs/import", json=less)
    after_keeping = len(await names(ob))
    pruned = await admin.told("POST", "/crontabs/import", json=less | {"prune": True})

    assert (len(kept["gone"]), kept["pruned"], after_keeping) == (1, False, 2)
    assert (pruned["gone"], pruned["pruned"]) == (kept["gone"], True)
    assert len(await names(ob)) == 1


async def test_those_of_two_machines_are_told_apart_on_a_database_they_share(
    ob: Onbeat, admin: Client
) -> None:
    for host in ("a", "b"):
        sent = SAID | {"name": f"tab-{host}", "host": host}
        await admin.told("POST", "/crontabs/import", json=sent)
    sources = {each.source for each in await ob.schedules.list()}
    is_shared = not ob.url.startswith("sqlite")

    assert sources == {f"crontab:tab-{each}" + (f"@{each}" if is_shared else "") for each in "ab"}


async def test_a_job_of_a_start_says_when_it_is_due(admin: Client) -> None:
    sent = SAID | {"text": "@reboot /usr/bin/warm\n", "host": "a"}
    told = await admin.told("POST", "/crontabs/import", json=sent)

    assert "first looks" in " ".join(told["entries"][0]["warnings"])


async def test_a_password_in_a_command_is_not_shown(admin: Client) -> None:
    text = "0 3 * * * curl https://ann:hunter2@shop.example\n61 * * * * curl ftp://a:hunter2@b\n"
    sent = SAID | {"text": text}
    answers = [
        await admin.post("/crontabs/import", json=sent | more)
        for more in ({"dry_run": True}, {}, {"skip_wrong": True})
    ]

    assert [each.status_code for each in answers] == [200, 400, 200]
    assert not any("hunter2" in each.text for each in answers)


async def test_it_takes_who_may_run_code(ob: Onbeat, app: ASGIApp) -> None:
    async with allowed(ob, app, Permission.SCHEDULES_WRITE) as client:
        told = await client.told("POST", "/crontabs/import", 403, json=SAID)

    assert "code:run" in told["detail"]
    assert await names(ob) == []


async def test_what_is_wrong_is_named_by_its_field(admin: Client) -> None:
    wrong = [
        ("tz", "Mars"), ("queue", "a b\n"), ("overlap", "twice"), ("catch_up", "soon"),
        ("timeout", "0"), ("name", ""), ("priority", 11), ("text", 7),
    ]  # fmt: skip

    assert await misnamed(admin, "POST", "/crontabs/import", SAID, wrong) == []


async def test_an_empty_one_prunes_nothing(ob: Onbeat, admin: Client) -> None:
    await admin.told("POST", "/crontabs/import", json=SAID)
    await admin.told("POST", "/crontabs/import", 400, json=SAID | {"text": "", "prune": True})

    assert len(await names(ob)) == 2
