"""Schedules by REST: made, found, changed, taken away."""

from __future__ import annotations

from typing import Any

import pytest
from starlette.types import ASGIApp

from onbeat import Onbeat, Secret
from onbeat.domain.access import Permission
from onbeat.domain.errors import Conflict
from tests.api.asking import Client, Wrong, allowed, misnamed

EVERY_MORNING = {"kind": "cron", "expr": "0 9 * * *", "tz": "UTC"}


async def made(client: Client, name: str = "acme", **body: Any) -> Any:
    """A new schedule as it is answered."""
    said = {"name": name, "task": "report", "cron": "0 9 * * *"} | body
    return await client.told("POST", "/schedules", 201, json=said)


async def test_a_schedule_is_made_found_changed_and_removed(admin: Client) -> None:
    answer = await admin.post(
        "/schedules",
        json={
            "name": "acme", "task": "report", "cron": "30 2 * * *", "tz": "Europe/Paris",
            "args": {"id": 7}, "queue": "slow", "priority": 8, "catch_up": "all within 6h",
            "overlap": "allow", "start_at": "2030-01-01T00:00:00+01:00", "limit": 5,
            "end_at": "2031-01-01T00:00:00Z", "jitter": "5m", "pause_after": 3,
            "timeout": "5m", "keep": {"completed": 100, "failed": "30d"},
        },
    )  # fmt: skip
    found = await admin.told("GET", "/schedules/acme")
    changed = await admin.told("PATCH", "/schedules/acme", json={"end_at": None, "jitter": None})
    await admin.told("DELETE", "/schedules/acme", 204)

    assert (answer.status_code, answer.headers["location"]) == (201, "schedules/acme")
    assert found == answer.json()
    assert (found["args"], found["queue"], found["priority"]) == ({"id": 7}, "slow", 8)
    assert (found["start_at"], found["jitter_s"]) == ("2029-12-31T23:00:00Z", 300)
    assert (found["catch_up"], found["overlap"]) == ("all within 6h", "allow")
    assert found["recurrence"] | {"expr": "30 2 * * *", "tz": "Europe/Paris"} == found["recurrence"]
    assert found["keep"] == {"completed": "100", "failed": "30d"}
    assert found["changed_by"] == "token:root"
    assert (changed["end_at"], changed["jitter_s"], changed["limit"]) == (None, 0, 5)
    await admin.told("GET", "/schedules/acme", 404)


async def test_each_way_to_say_when_is_answered_as_what_makes_it_again(admin: Client) -> None:
    ways: dict[str, dict[str, Any]] = {
        "every": {"every": "1h"},
        "calendar": {"every": "1d", "tz": "Europe/Paris"},
        "once": {"once": "2090-01-01T00:00:00Z"},
        "rrule": {"rrule": "FREQ=DAILY;BYHOUR=9"},
        "union": {"cron": ["0 9 * * *", "0 12 * * sat"]},
        "exclusion": {"cron": "0 9 * * *", "except_cron": "0 9 1 * *"},
        "workdays": {"cron": "0 9 * * *", "closed": "2090-08-01T00:00Z/2090-08-15T00:00Z"},
        "after_finish": {"recurrence": {"kind": "after_finish", "every": "10m"}},
    }
    for kind, when in ways.items():
        first = await made(admin, kind, **({"cron": None} | when))
        second = await made(admin, f"{kind}-2", cron=None, recurrence=first["recurrence"])
        assert first["recurrence"]["kind"] == kind
        assert second["recurrence"] == first["recurrence"]


async def test_pages_hold_every_name_once_also_those_with_slashes(admin: Client) -> None:
    names = ["a", "b/c", "b/c/d", "e"]
    for name in names:
        await made(admin, name)

    seen, after = [], None
    while True:
        asked = {"limit": 1} | ({} if after is None else {"after": after})
        page = await admin.told("GET", "/schedules", params=asked)
        seen += [each["name"] for each in page["data"]]
        if (after := page["page"]["next"]) is None:
            break

    assert seen == names
    assert (await admin.told("GET", "/schedules/b%2Fc"))["name"] == "b/c"
    assert (await admin.told("POST", "/schedules/b/c/d/pause"))["paused_by"] == "token:root"


async def test_put_makes_it_and_then_takes_the_place_of_all_it_said(admin: Client) -> None:
    body = {"task": "report", "every": "1h", "limit": 3, "keep": {"failed": 5}}
    first = await admin.told("PUT", "/schedules/acme", 201, json=body)

    second = await admin.told(
        "PUT", "/schedules/acme", json={"task": "other", "every": "2h", "why": "too often"}
    )
    versions = (await admin.told("GET", "/schedules/acme/versions"))["data"]

    assert (first["limit"], first["version"], first["keep"]["failed"]) == (3, 1, "5")
    assert (second["limit"], second["version"], second["keep"]) == (None, 2, None)
    assert [(each["version"], each["why"]) for each in versions] == [(2, "too often"), (1, None)]


async def test_a_patch_of_a_rule_keeps_calendar_and_closed_times_until_they_are_taken(
    admin: Client,
) -> None:
    await admin.told("PUT", "/calendars/fr", 201, json={"holidays": ["2090-07-14"]})
    await made(admin, workdays="fr", otherwise="forward")

    moved = await admin.told("PATCH", "/schedules/acme", json={"cron": "0 8 * * *"})
    zoned = await admin.told("PATCH", "/schedules/acme", json={"tz": "Europe/Paris"})
    freed = await admin.told("PATCH", "/schedules/acme", json={"workdays": None})

    assert moved["recurrence"]["source"]["expr"] == "0 8 * * *"
    assert moved["recurrence"]["calendar"]["name"] == "fr"
    assert zoned["recurrence"]["source"]["tz"] == "Europe/Paris"
    assert freed["recurrence"] == zoned["recurrence"]["source"]


async def test_a_patch_is_merged_into_arguments_and_recurrence(admin: Client) -> None:
    await made(admin, args={"a": 1, "b": {"c": 2, "d": 3}})

    changed = await admin.told(
        "PATCH", "/schedules/acme",
        json={"args": {"b": {"c": None}}, "recurrence": {"expr": "0 7 * * *"}},
    )  # fmt: skip
    other = await admin.told(
        "PATCH", "/schedules/acme", json={"recurrence": {"kind": "every", "every": "1h"}}
    )

    assert changed["args"] == {"a": 1, "b": {"d": 3}}
    assert changed["recurrence"]["expr"] == "0 7 * * *"
    assert other["recurrence"]["kind"] == "every"


async def test_who_edits_what_has_changed_since_is_refused(admin: Client) -> None:
    await made(admin)
    seen = (await admin.get("/schedules/acme")).headers["etag"]
    headers = {"If-Match": seen}
    body = {"task": "report", "every": "1h"}

    await admin.told("PATCH", "/schedules/acme", json={"priority": 3}, headers=headers)
    await admin.told("PATCH", "/schedules/acme", 412, json={"priority": 4}, headers=headers)
    await admin.told("PUT", "/schedules/acme", 412, json=body, headers=headers)
    await admin.told("DELETE", "/schedules/acme", 412, headers=headers)
    await admin.told("PUT", "/schedules/other", 412, json=body, headers=headers)
    await admin.told("PUT", "/schedules/acme", 412, json=body, headers={"If-None-Match": "*"})

    assert (await admin.told("GET", "/schedules/acme"))["priority"] == 3


async def test_that_it_was_paused_or_due_meanwhile_is_no_edit(admin: Client) -> None:
    await made(admin)
    seen = (await admin.get("/schedules/acme")).headers["etag"]
    await admin.told("POST", "/schedules/acme/pause")
    now = await admin.get("/schedules/acme", headers={"If-None-Match": seen})

    await admin.told(
        "PATCH", "/schedules/acme", json={"priority": 3}, headers={"If-Match": f'"x", {seen}'}
    )

    assert (now.status_code, now.headers["etag"] != seen) == (200, True)


async def test_what_is_known_already_is_not_sent_again(admin: Client) -> None:
    await made(admin)
    tag = (await admin.get("/schedules/acme")).headers["etag"]

    answer = await admin.get("/schedules/acme", headers={"If-None-Match": tag})

    assert (answer.status_code, answer.content) == (304, b"")


async def test_one_made_anew_is_not_what_was_seen_under_its_name(admin: Client) -> None:
    await made(admin)
    seen = (await admin.get("/schedules/acme")).headers["etag"]
    await admin.told("DELETE", "/schedules/acme", 204)
    await made(admin)

    await admin.told("DELETE", "/schedules/acme", 412, headers={"If-Match": seen})


async def test_a_secret_that_is_sent_back_as_it_is_shown_is_kept(admin: Client, ob: Onbeat) -> None:
    @ob.task
    async def charge(order: int, token: Secret[str]) -> None: ...

    shown = await made(admin, task="charge", args={"order": 1, "token": "s3cret"})
    args = shown["args"] | {"order": 2}
    patched = await admin.told("PATCH", "/schedules/acme", json={"args": args})
    body = {"task": "charge", "every": "1h", "args": args}
    await admin.told("PUT", "/schedules/acme", json=body)

    assert shown["args"] == {"order": 1, "token": "***"}
    assert patched["args"] == {"order": 2, "token": "***"}
    assert '"s3cret"' in (await ob.schedules.find("acme")).args
    assert "s3cret" not in (await admin.get("/audit")).text


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
async def test_a_secret_goes_to_no_other_task_and_to_no_other_place(
    admin: Client, ob: Onbeat, method: str
) -> None:
    @ob.task
    async def charge(order: int, token: Secret[str]) -> None: ...

    await made(admin, task="charge", args={"order": 1, "token": "s3cret"})
    hidden = {"order": 1, "token": "***"}

    body = {"task": "tell", "cron": "0 9 * * *", "args": hidden}
    await admin.told(method, "/schedules/acme", 400, json=body)
    if method == "PATCH":
        await admin.told("PATCH", "/schedules/acme", 400, json={"task": "tell"})

    assert '"s3cret"' in (await ob.schedules.find("acme")).args


async def test_a_new_one_has_no_secret_to_keep(admin: Client, ob: Onbeat) -> None:
    @ob.task
    async def charge(token: Secret[str]) -> None: ...

    body = {"name": "a", "task": "charge", "cron": "0 9 * * *", "args": {"token": "***"}}

    await admin.told("POST", "/schedules", 400, json=body)


async def test_who_may_not_see_arguments_is_told_none(
    admin: Client, ob: Onbeat, app: ASGIApp
) -> None:
    await made(admin, args={"card": "4111"})
    async with allowed(ob, app, Permission.SCHEDULES_READ) as viewer:
        one = await viewer.get("/schedules/acme")
        several = await viewer.get("/schedules")
        versions = await viewer.get("/schedules/acme/versions")

    assert one.json()["args"] is None
    assert all("4111" not in each.text for each in (one, several, versions))


async def test_a_command_for_the_shell_needs_the_right_to_run_code(
    admin: Client, ob: Onbeat, app: ASGIApp
) -> None:
    shell = {"task": "shell", "args": {"command": "id"}, "every": "1h"}
    await made(admin)
    await made(admin, "system", **shell, cron=None)
    async with allowed(ob, app, Permission.SCHEDULES_WRITE) as client:
        await client.told("POST", "/schedules", 403, json={"name": "x", **shell})
        await client.told("PUT", "/schedules/x", 403, json=shell)
        await client.told("PUT", "/schedules/acme", 403, json=shell)
        await client.told("PATCH", "/schedules/acme", 403, json={"task": "shell"})
        await client.told("PATCH", "/schedules/system", 403, json={"args": {"command": "rm"}})
        await client.told("PATCH", "/schedules/system", 403, json={"queue": "other"})

    assert (await admin.told("GET", "/schedules/system"))["args"]["command"] == "id"


async def test_one_declared_in_code_may_be_changed(admin: Client, ob: Onbeat) -> None:
    from onbeat import every  # noqa: PLC0415 - the name is a fixture's elsewhere

    @ob.schedule(every("1h"))
    @ob.task
    async def sweep() -> None: ...

    await ob.schedules.reconcile()
    changed = await admin.told("PATCH", "/schedules/sweep", json={"every": "2h"})

    assert changed["source"].startswith("code:")
    assert changed["recurrence"]["every"] == "2h"


WRONG: Wrong = [
    ("name", ""), ("name", "a b"), ("task", ""), ("args", []), ("priority", 11),
    ("queue", "a b"), ("region", "mars"), ("timeout", "-1s"), ("start_within", "soon"),
    ("cron", "61 * * * *"), ("cron", 7), ("tz", "Mars/Olympus"), ("gap", "leap"),
    ("fold", "third"), ("day_match", "xor"), ("every", "soon"), ("once", "soon"),
    ("once", "2026-01-01T00:00:00"), ("rrule", "FREQ=NEVER"), ("closed", "x"),
    ("workdays", "nowhere"), ("otherwise", "back"),
    ("recurrence", "x"), ("catch_up", "some"), ("overlap", "maybe"),
    ("start_at", "2026-01-01T00:00:00"), ("end_at", "tomorrow"), ("limit", 0),
    ("limit", 10**30), ("end_at", "2001-01-01T00:00:00Z"), ("jitter", "2d"),
    ("pause_after", 0), ("clock", "nowhere"), ("clock", "wall"), ("colour", "red"),
    ("start_at", "0001-01-01T00:00:00+23:59"), ("keep", {}),
]  # fmt: skip


async def test_a_wrong_value_is_named(admin: Client) -> None:
    said = {"name": "a", "task": "report", "cron": "0 9 * * *"}
    alone = [each for each in WRONG if each[0] in ("every", "once", "rrule")]
    others = [each for each in WRONG if each not in alone]

    assert await misnamed(admin, "POST", "/schedules", said, others) == []
    assert await misnamed(admin, "POST", "/schedules", {"name": "a", "task": "t"}, alone) == []


async def test_what_is_wrong_within_a_recurrence_is_named(admin: Client) -> None:
    for spec, field in (
        ({"kind": "moon"}, "recurrence.kind"),
        ({"kind": "cron"}, "recurrence.expr"),
        ({"kind": "cron", "expr": "x"}, "recurrence.expr"),
        ({"kind": "every", "every": "1h", "tzz": "UTC"}, "recurrence.tzz"),
        ({"kind": "union", "members": [7]}, "recurrence.members.0"),
    ):
        answer = await admin.post("/schedules", json={"name": "a", "task": "t", "recurrence": spec})
        assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, field)


async def test_what_a_schedule_always_has_is_not_taken_away(admin: Client) -> None:
    await made(admin)
    wrong = [(each, None) for each in ("task", "args", "queue", "priority", "recurrence")]

    assert await misnamed(admin, "PATCH", "/schedules/acme", {}, wrong) == []


async def test_a_rule_is_not_said_twice(admin: Client) -> None:
    body = {"name": "a", "task": "t", "cron": "0 9 * * *", "recurrence": EVERY_MORNING}

    answer = await admin.post("/schedules", json=body)

    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, "cron")


async def test_nothing_that_says_when_is_refused(admin: Client) -> None:
    answer = await admin.post("/schedules", json={"name": "a", "task": "t"})

    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, "cron")


async def test_a_name_is_taken_once(admin: Client) -> None:
    await made(admin)

    await admin.told("POST", "/schedules", 409, json={"name": "acme", "task": "t", "every": "1h"})


async def test_what_is_not_there_is_told_so(admin: Client) -> None:
    for name in ("x", "%00", "'; drop table onbeat_schedules; --"):
        for method in ("GET", "PATCH", "DELETE"):
            body: object = {} if method == "PATCH" else None
            answer = await admin.request(method, f"/schedules/{name}", json=body)
            assert answer.status_code in (400, 404), answer.text


async def test_text_that_is_no_unicode_is_refused(admin: Client) -> None:
    body = b'{"name": "a", "task": "t", "every": "1h", "args": {"x": "\\ud800"}}'
    answer = await admin.post(
        "/schedules", content=body, headers={"content-type": "application/json"}
    )

    assert answer.status_code == 400, answer.text


async def test_a_number_that_no_database_keeps_is_refused(admin: Client) -> None:
    body = b'{"name": "a", "task": "t", "every": "1h", "args": {"x": 1e400}}'
    answer = await admin.post(
        "/schedules", content=body, headers={"content-type": "application/json"}
    )

    assert answer.status_code == 400, answer.text


async def test_an_edit_that_another_came_before_is_refused(admin: Client, ob: Onbeat) -> None:
    await made(admin)
    seen = await ob.schedules.find("acme")
    await admin.told("PATCH", "/schedules/acme", json={"priority": 3})

    with pytest.raises(Conflict, match="changed meanwhile"):
        await ob.schedules.change(seen, must_be_as_seen=True)


async def test_every_change_is_written_down_once(admin: Client) -> None:
    await made(admin)
    await admin.told("PATCH", "/schedules/acme", json={"priority": 3})
    await admin.told("PUT", "/schedules/acme", json={"task": "report", "every": "1h"})
    await admin.told("DELETE", "/schedules/acme", 204)

    entries = (await admin.told("GET", "/audit", params={"subject_kind": "schedule"}))["data"]

    assert [each["action"] for each in entries] == [
        "schedule.remove", "schedule.change", "schedule.change", "schedule.create",
    ]  # fmt: skip
    removed, _, changed, created = entries
    assert (created["before"], created["after"]["priority"]) == (None, 5)
    assert (changed["before"]["priority"], changed["after"]["priority"]) == (5, 3)
    assert removed["after"] is None
    assert {each["actor_name"] for each in entries} == {"root"}


async def test_what_is_refused_is_not_written_down(admin: Client) -> None:
    await made(admin)
    await admin.told("POST", "/schedules", 409, json={"name": "acme", "task": "t", "every": "1h"})

    entries = (await admin.told("GET", "/audit", params={"subject": "acme"}))["data"]

    assert len(entries) == 1


async def test_code_that_calls_by_itself_leaves_no_entry(ob: Onbeat, admin: Client) -> None:
    await made(admin)
    await ob.schedules.pause("acme", "code")

    entries = (await admin.told("GET", "/audit", params={"subject": "acme"}))["data"]

    assert [each["action"] for each in entries] == ["schedule.create"]
