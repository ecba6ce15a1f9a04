"""Incidents, rules and silences by REST: seen, moved, changed, written down, and by whom."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert, select, update
from starlette.types import ASGIApp

from onbeat import Onbeat
from onbeat.api.schemas.incidents import IncidentRuleOut
from onbeat.api.site import PLACES
from onbeat.domain.access import Permission
from onbeat.domain.default_rules import DEFAULTS
from onbeat.domain.incidents import Facts, LastError, link_to
from onbeat.runtime.judge import Judge
from onbeat.store.payloads import encode
from onbeat.store.schema import health, incidents
from tests.api.asking import Client, allowed

ROOT = Path(__file__).parents[2]


async def failing(ob: Onbeat, *tasks: str) -> None:
    """Tasks failed a moment ago, and a round was gone."""

    def write(connection: Any, now: Any) -> None:
        connection.execute(insert(health), [
            {"kind": "task", "subject": task, "completed": 0, "failed": 1, "cancelled": 0,
             "attempts": 1, "last_failure_at": now, "failed_since": 1, "completed_since": 0}
            for task in tasks
        ])  # fmt: skip

    store = await ob.store()
    await store.write(write)
    judge = Judge(store)
    await judge.step()
    await judge.clean_up()


async def test_an_incident_is_seen_acknowledged_snoozed_and_resolved(
    admin: Client, ob: Onbeat
) -> None:
    await failing(ob, "charge")
    [seen] = (await admin.told("GET", "/incidents"))["data"]
    path = f"/incidents/{seen['id']}"

    await admin.told("POST", f"{path}/acknowledge", json={"note": "on it"})
    await admin.told("POST", f"{path}/notes", json={"note": "the bank is down"})
    await admin.told("POST", f"{path}/snooze", json={"for": "2h"})
    await admin.told("POST", f"{path}/resolve")
    whole = await admin.told("GET", path)

    assert (seen["rule"], seen["name"], seen["state"]) == ("failed", "charge", "open")
    happened = [(each["what"], each["note"]) for each in whole["changes"]]
    assert happened == [
        ("opened", None), ("acknowledged", "on it"), ("noted", "the bank is down"),
        ("snoozed", None), ("resolved", None),
    ]  # fmt: skip
    assert (await admin.told("GET", "/incidents"))["data"] == []
    assert (await admin.told("POST", f"{path}/resolve", 409))["code"] == "conflict"
    written = (await admin.told("GET", "/audit?action=incident.resolve"))["data"]
    assert written[0]["after"]["state"] == "resolved"


async def test_incidents_come_in_pages(admin: Client, ob: Onbeat) -> None:
    await failing(ob, *(f"task-{number}" for number in range(5)))
    names, after = [], ""
    for _ in range(3):
        page = await admin.told("GET", f"/incidents?limit=2{after}")
        names += [each["name"] for each in page["data"]]
        after = f"&after={page['page']['next']}"
    assert len(set(names)) == 5
    assert (await admin.told("GET", "/incidents/counts"))["counts"]["warning"] == 5


async def test_who_may_only_read_changes_nothing(app: ASGIApp, ob: Onbeat) -> None:
    await failing(ob, "charge")
    async with allowed(ob, app, Permission.INCIDENTS_READ) as client:
        [seen] = (await client.told("GET", "/incidents"))["data"]
        await client.told("POST", f"/incidents/{seen['id']}/resolve", 403)
        await client.told("PATCH", "/rules/stale", 403, json={"for": "2m"})
        await client.told("POST", "/silences", 403, json={})


async def test_a_rule_is_changed_with_what_was_seen_of_it(admin: Client) -> None:
    answer = await admin.get("/rules/stale")
    tag = answer.headers["etag"]
    changed = await admin.told(
        "PATCH", "/rules/stale", json={"longer_than": "2h"}, headers={"If-Match": tag}
    )
    assert (changed["limits"], changed["version"]) == ({"longer_than": "2h"}, 1)
    await admin.told("PATCH", "/rules/stale", 412, json={"for": "2m"}, headers={"If-Match": tag})
    left = await admin.told("DELETE", "/rules/stale")
    assert left["limits"] == {"longer_than": "30m"}


async def test_every_rule_is_told_as_it_is_described(admin: Client) -> None:
    listed = (await admin.told("GET", "/rules?limit=500"))["data"]
    assert {each["name"] for each in listed} == set(DEFAULTS)
    for each in listed:
        IncidentRuleOut.model_validate(each)


async def test_a_rule_is_made_tried_and_removed(admin: Client) -> None:
    asked = {"name": "imports", "condition": "slow", "tasks": ["import.*"], "longer_than": "10m"}
    tried = await admin.told("POST", "/rules/try?since=1h", json=asked)
    made = await admin.told("POST", "/rules", 201, json=asked)
    await admin.told("POST", "/rules", 409, json=asked)
    assert (tried["episodes"], tried["not_kept"]) == ([], None)
    assert made["selector"]["tasks"] == ["import.*"]
    assert "imports" in [each["name"] for each in (await admin.told("GET", "/rules"))["data"]]
    await admin.told("DELETE", "/rules/imports", 204)
    await admin.told("GET", "/rules/imports", 404)


async def test_what_is_odd_about_a_rule_is_told_as_it_is_tried_and_saved(admin: Client) -> None:
    asked = {"name": "x", "condition": "failure-rate", "share": 0}
    assert "always" in (await admin.told("POST", "/rules/try", json=asked))["doubts"][0]
    changed = await admin.told("PATCH", "/rules/failure-rate", json={"share": 0})
    assert "always" in changed["doubts"][0]


async def test_which_incidents_a_silence_would_cover_is_told_before_it_is_made(
    admin: Client, ob: Onbeat
) -> None:
    await failing(ob, "report.daily", "charge")

    async def covered(**matcher: list[str]) -> list[str]:
        found = await admin.told("POST", "/silences/try", json=matcher)
        return sorted(each["name"] for each in found["data"])

    assert await covered(tasks=["report.*"]) == ["report.daily"]
    assert await covered(kinds=["queue"]) == []
    assert await covered() == ["charge", "report.daily"]
    refused = await admin.told("POST", "/silences/try", 400, json={"rules": ["fialed"]})
    assert refused["errors"][0]["field"] == "rules"
    assert (await admin.told("GET", "/silences"))["data"] == []


async def test_the_past_of_what_is_not_kept_is_said_not_to_be(admin: Client) -> None:
    past = await admin.told("GET", "/rules/backlog/past")
    assert "not kept" in past["not_kept"]


@pytest.mark.parametrize(("body", "field"), [
    ({"name": "x", "condition": "stale", "times": 3}, "times"),
    ({"name": "x", "condition": "stale", "kind": "queue"}, "kind"),
    ({"name": "x", "condition": "slow", "longer_than": "soon"}, "longer_than"),
    ({"name": "a b", "condition": "slow"}, "name"),
])  # fmt: skip
async def test_a_rule_that_cannot_be_is_refused_by_its_field(
    admin: Client, body: dict[str, object], field: str
) -> None:
    told = await admin.told("POST", "/rules", 400, json=body)
    assert told["errors"][0]["field"] == field


async def test_an_incident_has_its_address_where_one_is_set(admin: Client, ob: Onbeat) -> None:
    await failing(ob, "charge")
    [without] = (await admin.told("GET", "/incidents"))["data"]
    ob.settings = replace(ob.settings, public_url="https://a.example/jobs")
    seen = await admin.told("GET", f"/incidents/{without['id']}")

    assert without["facts"]["link"] is None
    assert seen["facts"]["link"] == f"https://a.example/jobs/alerts/incidents/{seen['id']}"


def test_the_address_of_an_incident_is_that_of_its_page() -> None:
    address = link_to("", "$incident") or ""

    assert f'"{address}"' in (ROOT / "ui/src/router.tsx").read_text()
    assert address.split("/")[1] in PLACES


async def test_a_silence_that_comes_again_is_made_and_seen(admin: Client) -> None:
    ends = (datetime.now(UTC) + timedelta(days=300)).isoformat()
    body = {"matcher": {"tasks": ["report.*"]}, "reason": "backups", "for": "2h", "ends_at": ends,
            "cron": "0 2 * * sun", "tz": "Europe/Paris"}  # fmt: skip
    made = await admin.told("POST", "/silences", 201, json=body)
    wrong = await admin.told("POST", "/silences", 400, json=body | {"cron": "* * * * *"})

    assert made["windows"] == {"cron": "0 2 * * sun", "tz": "Europe/Paris", "for": "2h"}
    assert (await admin.told("GET", f"/silences/{made['id']}"))["windows"] == made["windows"]
    assert "one window begins before the one before it is over" in wrong["detail"]


async def test_a_silence_is_made_seen_and_ended(admin: Client) -> None:
    body = {"matcher": {"tasks": ["report.*"]}, "reason": "a deploy", "for": "1h"}
    made = await admin.told("POST", "/silences", 201, json=body)
    assert made["matcher"]["tasks"] == ["report.*"]
    assert [each["id"] for each in (await admin.told("GET", "/silences"))["data"]] == [made["id"]]
    await admin.told("POST", f"/silences/{made['id']}/end")
    assert (await admin.told("GET", "/silences"))["data"] == []
    await admin.told("POST", f"/silences/{made['id']}/end", 409)


@pytest.mark.parametrize(("body", "field"), [
    ({"reason": "x", "for": "1h"}, "matcher"),
    ({"reason": " ", "for": "1h", "everything": True}, "reason"),
    ({"reason": "x", "everything": True}, "ends_at"),
    ({"reason": "x", "everything": True, "for": "100d"}, "ends_at"),
])  # fmt: skip
async def test_a_silence_has_a_reason_an_end_and_says_of_what(
    admin: Client, body: dict[str, object], field: str
) -> None:
    told = await admin.told("POST", "/silences", 400, json=body)
    assert told["errors"][0]["field"] == field


async def test_the_text_of_an_error_is_for_who_may_see_arguments(app: ASGIApp, ob: Onbeat) -> None:
    await failing(ob, "charge")
    store = await ob.store()

    def with_error(connection: Any, _: Any) -> None:
        at = connection.scalar(select(incidents.c.opened_at))
        error = LastError(at=at, type="ValueError", message="card 4711", place="shop.py:7")
        facts = encode(Facts(what="it failed", since=at, last_error=error)).decode()
        connection.execute(update(incidents).values(facts=facts))

    await store.write(with_error)
    told = []
    for extra in ((), (Permission.JOBS_ARGUMENTS,)):
        async with allowed(ob, app, Permission.INCIDENTS_READ, *extra) as client:
            [seen] = (await client.told("GET", "/incidents"))["data"]
            told.append(seen["facts"]["last_error"])
    assert (told[0]["type"], told[0]["message"], told[0]["place"]) == ("ValueError", None, None)
    assert told[1]["message"] == "card 4711"


async def test_incidents_of_a_rule_that_there_is_not_are_refused_and_of_one_that_was_are_not(
    admin: Client, ob: Onbeat
) -> None:
    rule = {"name": "own", "condition": "failed", "tasks": ["charge"]}
    await admin.told("POST", "/rules", 201, json=rule)
    await failing(ob, "charge")
    await admin.told("DELETE", "/rules/own", 204)

    refused = await admin.told("GET", "/incidents", 400, params={"rule": "staled"})
    found = await admin.told("GET", "/incidents", params={"rule": "own", "subject": "nosuch"})

    assert refused["errors"][0]["field"] == "rule"
    assert "did you mean 'stale'?" in refused["detail"]
    assert found["data"] == []


async def test_a_second_rule_for_all_is_doubted(admin: Client) -> None:
    twin = {"name": "mine", "condition": "failed"}
    made = await admin.told("POST", "/rules", 201, json=twin)
    listed = (await admin.told("GET", "/rules", params={"limit": 100}))["data"]
    narrowed = await admin.told("PATCH", "/rules/mine", json={"tasks": ["mail.*"]})

    assert ["failed is of every task too" in each for each in made["doubts"]] == [True]
    assert {each["name"] for each in listed if each["doubts"]} == {"failed", "mine"}
    assert narrowed["doubts"] == []


async def test_a_rule_of_what_nobody_knows_is_doubted(admin: Client, ob: Onbeat) -> None:
    of = {"condition": "failed", "name": "own"}
    early = await admin.told("POST", "/rules/try", json={**of, "tasks": ["anything"]})
    await failing(ob, "charge")
    made = await admin.told("POST", "/rules", 201, json={**of, "tasks": ["chrage", "charg*"]})
    pattern = await admin.told("PATCH", "/rules/own", json={"tasks": ["import.*", "charge"]})
    listed = (await admin.told("GET", "/rules", params={"limit": 100}))["data"]
    mended = await admin.told("PATCH", "/rules/own", json={"tasks": ["charge", "charg*"]})

    assert (early["doubts"], mended["doubts"]) == ([], [])
    assert made["doubts"] == [
        "nobody knows a task 'chrage' (is charge meant?); it holds once there is one"
    ]
    assert pattern["doubts"] == [
        "no task that is known fits 'import.*'; it holds once there is one"
    ]
    assert {each["name"]: each["doubts"] for each in listed}["own"] == pattern["doubts"]
