"""`/jobs/schedule`, as users' programs ask it: what is answered, and whose it is."""

from __future__ import annotations

import time
from typing import Any

import jwt
import pytest
from starlette.types import ASGIApp

from onbeat import Onbeat
from onbeat.api.asgi import make_asgi
from onbeat.api.issuers import Issuers
from onbeat.domain.access import Permission
from tests.api.asking import HOST, Client, asking
from tests.api.owners import SAID, amy, bob, entering

__all__ = ["amy", "bob", "entering"]

PATH = f"{HOST}/jobs/schedule"
REMIND: dict[str, Any] = {
    "name": "remind", "data": {"text": "tea"}, "schedule": {"cron": "0 9 * * *"},
}  # fmt: skip


async def make(client: Client, **said: Any) -> str:
    made = await client.told("POST", PATH, json={**REMIND, **said})
    assert list(made) == ["schedulerId"]
    return str(made["schedulerId"])


async def found(client: Client, **said: Any) -> Any:
    """What is shown of a schedule that says this."""
    return await client.told("GET", f"{PATH}/{await make(client, **said)}")


async def ids(client: Client) -> list[str]:
    shown = await client.told("GET", PATH)
    return [each["schedulerId"] for each in shown["scheduledJobs"]]


async def test_a_schedule_is_made_listed_shown_and_taken_away(amy: Client) -> None:
    made = await make(amy)

    shown = await amy.told("GET", f"{PATH}/{made}")
    assert made.startswith("amy:remind:")
    assert (shown["schedulerId"], shown["name"]) == (made, "remind")
    assert shown["data"] == {"text": "tea", "userId": "amy"}
    assert shown["schedule"] == {
        "cron": "0 9 * * *", "repeat": None, "tz": "UTC", "startDate": None, "endDate": None,
    }  # fmt: skip
    assert shown["options"] == {"removeOnComplete": None, "removeOnFail": None}
    assert (await amy.told("GET", PATH))["scheduledJobs"] == [shown]
    gone = await amy.told("DELETE", f"{PATH}/{made}")
    assert made in gone["message"]
    assert await ids(amy) == []
    assert "message" in await amy.told("GET", f"{PATH}/{made}", 404)


async def test_one_of_a_task_with_a_slash_is_found_and_taken_away(ob: Onbeat, amy: Client) -> None:
    @ob.task(name="mail/remind", for_users=True)
    async def remind_by_mail(user_id: str) -> None: ...

    made = await make(amy, name="mail/remind", data={})

    assert made.startswith("amy:mail/remind:")
    assert (await amy.told("GET", f"{PATH}/{made}"))["schedulerId"] == made
    await amy.told("DELETE", f"{PATH}/{made}")
    assert await ids(amy) == []


async def test_what_others_gave_is_shown_to_those_who_may_see_arguments_alone(
    ob: Onbeat, app: ASGIApp, amy: Client, admin: Client
) -> None:
    made = await make(amy)
    token = await ob.tokens.create("looks", frozenset({Permission.SCHEDULES_READ}), by="test")
    async with asking(app, token.text) as reader:
        clients = (amy, admin, reader)
        found = [await each.told("GET", f"{PATH}/{made}") for each in clients]
        listed = [(await each.told("GET", PATH))["scheduledJobs"][0] for each in clients]

    given = {"text": "tea", "userId": "amy"}
    assert [each["data"] for each in found] == [given, given, None]
    assert listed == found


async def test_each_request_makes_another_schedule(amy: Client) -> None:
    made = [await make(amy) for _ in range(3)]

    assert await ids(amy) == sorted(made)
    assert len(set(made)) == 3


async def test_an_upsert_by_a_key_of_ones_own_is_beside_it(amy: Client) -> None:
    await amy.told("PUT", "/schedules/tea", 201, json=SAID)
    await amy.told("PUT", "/schedules/tea", 200, json=SAID)

    assert await ids(amy) == []
    assert len((await amy.told("GET", "/schedules"))["data"]) == 1


async def test_another_user_s_schedule_is_as_if_it_were_not_there(
    amy: Client, bob: Client, admin: Client
) -> None:
    theirs = await make(bob)

    for method in ("GET", "DELETE"):
        answer = await amy.told(method, f"{PATH}/{theirs}", 404)
        nothing = await amy.told(method, f"{PATH}/nothing", 404)
        assert answer["message"].replace(theirs, "nothing") == nothing["message"]
    assert (await ids(amy), await ids(bob), await ids(admin)) == ([], [theirs], [theirs])


async def test_who_has_no_rows_of_their_own_is_told_where_to_go(admin: Client, amy: Client) -> None:
    answer = await admin.told("POST", PATH, 403, json=REMIND)
    assert "POST /api/v1/schedules" in answer["message"]


async def test_nobody_is_told_anything(nobody: Client) -> None:
    for method, path in (("POST", PATH), ("GET", PATH), ("GET", f"{PATH}/x"),
                         ("DELETE", f"{PATH}/x")):  # fmt: skip
        assert "message" in await nobody.told(method, path, 401, json={})


@pytest.mark.parametrize(
    ("claims", "user"), [({"userId": "u-7", "sub": "amy"}, "u-7"), ({"sub": "u-8"}, "u-8")]
)
async def test_a_user_of_another_issuer_comes_with_its_token(
    ob: Onbeat, amy: Client, claims: dict[str, str], user: str
) -> None:
    secret = "a secret of another issuer, long enough"  # noqa: S105 - of a test
    token = jwt.encode({**claims, "exp": time.time() + 60}, secret, "HS256")
    async with asking(make_asgi(ob, issuers=Issuers(secret)), token) as client:
        made = await make(client)

        assert made.startswith(f"{user}:remind:")
        assert (await client.told("GET", f"{PATH}/{made}"))["data"]["userId"] == user
        assert await ids(client) == [made]
    assert await ids(amy) == []


@pytest.mark.parametrize("forged", [{"userId": "bob"}, {"user_id": "bob", "text": "x"}])
async def test_the_server_says_whose_it_is(amy: Client, forged: dict[str, Any]) -> None:
    shown = await found(amy, data=forged)

    assert shown["data"]["userId"] == "amy"
    assert "bob" not in str(shown)


async def test_it_repeats_every_so_many_milliseconds_from_its_start(amy: Client) -> None:
    start = "2031-01-31T18:00:00.250+01:00"
    shown = await found(amy, schedule={"repeat": {"every": 90_000, "limit": 3}, "startDate": start})

    assert shown["schedule"]["repeat"] == {"every": 90_000, "limit": 3}
    assert shown["nextRunAt"] == shown["schedule"]["startDate"] == "2031-01-31T17:00:00.250000Z"


async def test_days_are_those_of_its_zone_and_the_last_is_in_it(amy: Client, ob: Onbeat) -> None:
    made = await make(
        amy,
        schedule={
            "cron": "59 23 * * *", "tz": "Europe/Paris", "startDate": "2031-03-01",
            "endDate": "2031-03-02",
        },
    )  # fmt: skip

    shown = await amy.told("GET", f"{PATH}/{made}")
    assert shown["schedule"]["startDate"] == "2031-02-28T23:00:00Z"
    assert shown["schedule"]["endDate"] == "2031-03-02T22:59:59.999999Z"
    runs = (await amy.told("GET", f"/schedules/{made}/next"))["runs"]
    assert [each["utc"] for each in runs] == ["2031-03-01T22:59:00Z", "2031-03-02T22:59:00Z"]


async def test_the_moments_of_start_and_end_are_in_it(amy: Client) -> None:
    made = await make(
        amy,
        schedule={
            "cron": "0 9 * * *", "startDate": "2031-03-01T09:00:00Z",
            "endDate": "2031-03-02T09:00:00",
        },
    )  # fmt: skip

    runs = (await amy.told("GET", f"/schedules/{made}/next"))["runs"]
    assert [each["utc"] for each in runs] == ["2031-03-01T09:00:00Z", "2031-03-02T09:00:00Z"]


async def test_so_many_of_its_ended_jobs_are_kept(amy: Client, ob: Onbeat) -> None:
    options = {"removeOnComplete": {"count": 2}, "removeOnFail": {"count": 0}}
    shown = await found(amy, options=options)

    assert shown["options"] == options
    rule = await ob.retention.find(f"schedule/{shown['schedulerId']}")
    assert rule is not None
    assert (rule.rule.completed_last, rule.rule.failed_last) == (2, 0)


@pytest.mark.parametrize(
    ("said", "field"),
    [
        ({"name": "close_day"}, "name"),
        ({"name": "onbeat.fire"}, "name"),
        ({"data": {"txt": "tea"}}, "data.txt"),
        ({"data": {"text": 7}}, "data.text"),
        ({"schedule": {}}, "schedule.cron"),
        ({"schedule": {"cron": "0 9 * * *", "repeat": {"every": 60_000}}}, "schedule.cron"),
        ({"schedule": {"cron": "99 9 * * *"}}, "schedule.cron"),
        ({"schedule": {"cron": "0 9 * * *", "tz": "Mars/Base"}}, "schedule.tz"),
        ({"schedule": {"repeat": {"every": 999}}}, "schedule.repeat.every"),
        ({"schedule": {"repeat": {"every": 60_000, "limit": 0}}}, "schedule.repeat.limit"),
        ({"schedule": {"cron": "0 9 * * *", "startDate": "soon"}}, "schedule.startDate"),
        ({"schedule": {"cron": "0 9 * * *", "endDate": "9999-12-31"}}, "schedule.endDate"),
        ({"schedule": {"cron": "0 9 * * *", "endDate": "2020-01-01"}}, "schedule.endDate"),
        (
            {"schedule": {"cron": "0 9 * * *", "startDate": "2031-02-01", "endDate": "2031-01-01"}},
            "schedule.endDate",
        ),
        ({"options": {"removeOnComplete": {"count": -1}}}, "options.removeOnComplete.count"),
        ({"options": {"removeOnComplete": True}}, "options.removeOnComplete"),
        ({"cron": "0 9 * * *"}, "cron"),
    ],
)
async def test_what_is_wrong_is_named_by_its_place(
    amy: Client, said: dict[str, Any], field: str
) -> None:
    answer = await amy.told("POST", PATH, 400, json={**REMIND, **said})

    assert [each["field"] for each in answer["errors"]] == [field], answer
    assert answer["message"].startswith(f"{field}: ")
    assert await ids(amy) == []


async def test_a_name_that_cannot_be_scheduled_is_answered_with_what_can(amy: Client) -> None:
    answer = await amy.told("POST", PATH, 400, json={**REMIND, "name": "nothing"})

    assert "what can is: remind" in answer["message"]


async def test_what_was_made_here_is_not_written_by_hand_elsewhere(
    amy: Client, admin: Client
) -> None:
    """Else somebody could have a firing make another's job."""
    made = await make(amy)

    for client in (amy, admin):
        await client.told("PATCH", f"/schedules/{made}", 403, json={"every": "1h"})
        await client.told("PUT", f"/schedules/{made}", 403, json=SAID)
    await amy.told("POST", f"/schedules/{made}/pause")
    await amy.told("DELETE", f"/schedules/{made}", 204)


async def test_a_list_is_read_page_by_page(amy: Client, app: ASGIApp) -> None:
    made = sorted([await make(amy) for _ in range(3)])

    first = await amy.told("GET", PATH, params={"limit": 2})
    second = await amy.told("GET", PATH, params={"limit": 2, "after": first["next"]})

    pages = [[each["schedulerId"] for each in page["scheduledJobs"]] for page in (first, second)]
    assert pages == [made[:2], made[2:]]
    assert second["next"] is None
