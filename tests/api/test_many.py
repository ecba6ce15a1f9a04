"""Many jobs and many schedules at once by REST: all or none."""

from __future__ import annotations

from uuid import uuid4

import pytest
from starlette.types import ASGIApp

from onbeat import InvalidInput, Onbeat
from onbeat.domain.access import Permission, Role
from onbeat.domain.user_schedules import MOST_SCHEDULES
from tests.api.asking import Client, allowed, asking, person


async def names_of(client: Client) -> list[str]:
    """The names of all schedules."""
    return [each["name"] for each in (await client.told("GET", "/schedules"))["data"]]


async def jobs_of(client: Client) -> list[str]:
    """The ids of all jobs."""
    return [each["id"] for each in (await client.told("GET", "/jobs"))["data"]]


async def test_many_jobs_are_asked_for_in_their_order_and_found_by_their_ids(
    admin: Client,
) -> None:
    jobs = [{"task": "charge", "args": {"order": n}, "priority": n} for n in (3, 1, 2)]

    made = await admin.told("POST", "/jobs/many", 201, json={"jobs": jobs})

    ids = [each["id"] for each in made["data"]]
    found = await admin.told("GET", "/jobs/by-id", params={"id": [*ids, uuid4().hex, ids[0]]})
    assert [each["id"] for each in found["data"]] == ids
    assert [each["args"] for each in found["data"]] == [{"order": 3}, {"order": 1}, {"order": 2}]
    assert [each["priority"] for each in found["data"]] == [3, 1, 2]


async def test_of_many_jobs_one_that_has_the_key_of_another_is_that_one(admin: Client) -> None:
    first = await admin.told("POST", "/jobs", 201, json={"task": "charge", "key": "order-42"})
    jobs = [{"task": "charge", "key": "order-42"}, {"task": "charge"}]

    made = await admin.told("POST", "/jobs/many", 201, json={"jobs": jobs})

    assert [each["is_new"] for each in made["data"]] == [False, True]
    assert made["data"][0]["id"] == first["id"]


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"args": {}}, "jobs.1.args.order"),
        ({"args": {"order": "x"}}, "jobs.1.args.order"),
        ({"priority": 11}, "jobs.1.priority"),
        ({"region": "mars"}, "jobs.1.region"),
        ({"start_by": "2020-01-01T00:00:00Z"}, "jobs.1.start_by"),
        ({"clock": "world"}, "jobs.1.clock"),
        ({"unique": {"by": ["nothing"]}}, "jobs.1.unique"),
        ({"retry": {"attempts": 2, "base": "soon"}}, "jobs.1.retry.base"),
        ({"delay": "1m", "at": "2099-01-01T00:00:00Z"}, "jobs.1.at"),
    ],
)
async def test_of_many_jobs_the_one_that_is_wrong_is_named_and_none_is_stored(
    ob: Onbeat, admin: Client, wrong: dict[str, object], field: str
) -> None:
    @ob.task
    async def charge(order: int) -> None: ...

    right = {"task": "charge", "args": {"order": 1}}

    answer = await admin.told("POST", "/jobs/many", 400, json={"jobs": [right, right | wrong]})

    assert [each["field"] for each in answer["errors"]] == [field]
    assert await jobs_of(admin) == []


async def test_who_may_not_ask_for_one_of_them_asks_for_none(ob: Onbeat, app: ASGIApp) -> None:
    jobs = [{"task": "charge"}, {"task": "shell", "args": {"command": "id"}}]
    async with allowed(ob, app, Permission.JOBS_ENQUEUE, Permission.JOBS_READ) as client:
        await client.told("POST", "/jobs/many", 403, json={"jobs": jobs})

        assert await jobs_of(client) == []


async def test_many_jobs_that_are_asked_for_again_by_a_key_are_made_once(admin: Client) -> None:
    body, headers = {"jobs": [{"task": "charge"}] * 3}, {"Idempotency-Key": "k1"}

    first = await admin.told("POST", "/jobs/many", 201, json=body, headers=headers)
    again = await admin.told("POST", "/jobs/many", 201, json=body, headers=headers)

    assert again == first
    assert len(await jobs_of(admin)) == 3


async def test_jobs_of_others_are_not_found_by_their_ids(
    ob: Onbeat, app: ASGIApp, admin: Client
) -> None:
    @ob.task
    async def charge() -> None: ...

    await person(ob, "amy", Role.OWNER)
    hers = await charge.opts(owner="amy").enqueue()
    other = await charge.opts(owner="bob").enqueue()
    async with asking(app) as amy:
        await amy.sign_in("amy")
        found = await amy.told("GET", "/jobs/by-id", params={"id": [hers.id, other.id]})

    assert [each["id"] for each in found["data"]] == [hers.id]


async def test_what_is_no_id_is_refused(admin: Client) -> None:
    answer = await admin.told("GET", "/jobs/by-id", 400, params={"id": "xyz"})

    assert [each["field"] for each in answer["errors"]] == ["id"]


async def test_many_schedules_are_made_each_with_policies_of_its_own(admin: Client) -> None:
    schedules = [
        {"name": "tea", "task": "brew", "every": "1h", "overlap": "allow"},
        {"name": "news", "task": "read", "cron": ["0 9 * * *"], "keep": {"completed": "5"}},
    ]

    made = await admin.told("POST", "/schedules/many", 201, json={"schedules": schedules})

    assert made == {"count": 2, "names": ["tea", "news"]}
    tea = await admin.told("GET", "/schedules/tea")
    news = await admin.told("GET", "/schedules/news")
    assert (tea["overlap"], news["overlap"]) == ("allow", "skip")
    assert (tea["keep"], news["keep"]["completed"]) == (None, "5")
    (entry,) = (await admin.told("GET", "/audit?action=schedule.create_many"))["data"]
    assert entry["after"] == {"names": ["tea", "news"]}


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"cron": "61 * * * *", "every": None}, "schedules.1.cron"),
        ({"every": "0s"}, "schedules.1.every"),
        ({"args": {}}, "schedules.1.args.cups"),
        ({"clock": "world"}, "schedules.1.clock"),
        ({"overlap": "never"}, "schedules.1.overlap"),
        ({"workdays": "acme"}, "schedules.1.workdays"),
        ({"jitter": "soon"}, "schedules.1.jitter"),
        ({"start_at": "2030-01-02T00:00:00Z", "end_at": "2030-01-01T00:00:00Z"},
         "schedules.1.end_at"),
        ({"every": None, "once": "2020-01-01T00:00:00Z"}, "schedules.1.once"),
        ({"end_at": "2020-01-01T00:00:00Z"}, "schedules.1.end_at"),
    ],
)  # fmt: skip
async def test_of_many_schedules_the_one_that_is_wrong_is_named_and_none_is_made(
    ob: Onbeat, admin: Client, wrong: dict[str, object], field: str
) -> None:
    @ob.task
    async def brew(cups: int) -> None: ...

    right = {"name": "tea", "task": "brew", "args": {"cups": 2}, "every": "1h"}
    body = {"schedules": [right, right | {"name": "coffee"} | wrong]}

    answer = await admin.told("POST", "/schedules/many", 400, json=body)

    assert [each["field"] for each in answer["errors"]] == [field]
    assert await names_of(admin) == []


@pytest.mark.parametrize(
    ("names", "told"),
    [
        (["new", "there"], "a schedule named 'there' exists; remove or edit that one"),
        (["new", "new"], "the name 'new' is given to two schedules; give each its own"),
    ],
)
async def test_of_many_schedules_none_is_made_where_a_name_is_taken(
    admin: Client, names: list[str], told: str
) -> None:
    said = {"task": "brew", "every": "1h"}
    await admin.told("POST", "/schedules", 201, json={"name": "there", **said})

    body = {"schedules": [{"name": name, **said} for name in names]}
    answer = await admin.told("POST", "/schedules/many", 409, json=body)

    assert answer["message"] == told
    assert await names_of(admin) == ["there"]


async def test_many_schedules_of_an_owner_are_theirs_and_no_more_than_they_may_have(
    ob: Onbeat, app: ASGIApp
) -> None:
    @ob.task(for_users=True)
    async def remind(user_id: str) -> str:
        return user_id

    await person(ob, "amy", Role.OWNER)
    said = {"task": "remind", "every": "1d"}
    async with asking(app) as amy:
        await amy.sign_in("amy")
        full = [{"name": f"s{n:04}", **said} for n in range(MOST_SCHEDULES)]
        made = await amy.told("POST", "/schedules/many", 201, json={"schedules": full})
        more = {"schedules": [{"name": "one-more", **said}]}
        answer = await amy.told("POST", "/schedules/many", 409, json=more)

    assert made["names"][0] == "amy:s0000"
    assert answer["message"].startswith("'amy' has 1,000 schedules")
    assert (await ob.schedules.find("amy:s0000")).owner == "amy"


async def test_more_jobs_than_one_transaction_takes_are_refused(ob: Onbeat) -> None:
    call = ob.jobs.bind("charge", must_be_known=False)

    with pytest.raises(InvalidInput, match=r"^calls: 5,001 jobs are too many"):
        await ob.jobs.enqueue_many([call] * 5_001)

    assert await ob.jobs.list() == []
