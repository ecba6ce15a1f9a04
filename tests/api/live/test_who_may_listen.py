"""Who may listen to what: asked at the door, per topic, and again while they listen."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator

import pytest
from websockets.exceptions import InvalidStatus

from onbeat import Onbeat, Settings
from onbeat.app.options import read_options
from onbeat.domain.access import Permission, Role
from tests.api.asking import PASSWORD, Client
from tests.api.live.listener import listening, served

TOPICS = {
    "jobs": Permission.JOBS_READ,
    "queue:mail": Permission.JOBS_READ,
    "task:charge": Permission.JOBS_READ,
    "schedule:nightly": Permission.SCHEDULES_READ,
    "schedules": Permission.SCHEDULES_READ,
    "queues": Permission.QUEUES_READ,
    "workers": Permission.WORKERS_READ,
    "audit": Permission.AUDIT_READ,
}


async def refused(address: str, **options: object) -> int:
    """With which status one is turned away who wants to listen; 101 for one who is not."""
    try:
        async with listening(address, **options):  # type: ignore[arg-type]
            return 101
    except InvalidStatus as error:
        return error.response.status_code


async def cookie_of(ob: Onbeat, address: str, name: str = "ann") -> str:
    """What a browser sends in which `name` has signed in."""
    await ob.users.create(name, Role.ADMIN, by="test", password=PASSWORD)
    async with Client(base_url=f"{address}/api/v1", trust_env=False) as client:
        answer = await client.sign_in(name)
    return answer.headers["set-cookie"].partition(";")[0]


async def test_nobody_is_turned_away_at_the_door(address: str) -> None:
    assert await refused(address) == 401


async def test_who_is_turned_away_is_told_the_id_of_the_request(address: str) -> None:
    with pytest.raises(InvalidStatus) as turned_away:
        async with listening(address):
            pass

    answer = turned_away.value.response
    identity = json.loads(answer.body or b"{}")["request_id"]
    assert (identity, len(identity)) == (answer.headers["X-Request-Id"], 16)


async def test_a_wrong_token_is_turned_away(address: str) -> None:
    assert await refused(address, token="onb_pat_wrong") == 401  # noqa: S106 - of a test


async def test_a_token_in_the_address_is_not_taken(address: str, token: str) -> None:
    assert await refused(f"{address}?token={token}&access_token={token}") in {401, 403, 404}


@pytest.mark.parametrize("is_first", [True, False])
async def test_a_page_gives_its_token_as_a_subprotocol(
    is_first: bool, address: str, token: str
) -> None:
    offered = [f"bearer.{token}"]
    offered.insert(1 if is_first else 0, "onbeat")
    async with listening(address, subprotocols=offered) as listener:
        assert (await listener.follow("jobs"))["topics"] == ["jobs"]
        assert listener.socket.subprotocol == "onbeat"


async def test_a_page_of_ours_listens_with_its_cookie(ob: Onbeat, address: str) -> None:
    cookie = await cookie_of(ob, address)

    assert await refused(address, headers={"Cookie": cookie, "Origin": address}) == 101


@pytest.mark.parametrize("origin", ["https://evil.example", "null", ""])
async def test_a_page_of_another_site_is_turned_away(origin: str, ob: Onbeat, address: str) -> None:
    headers = {"Cookie": await cookie_of(ob, address), "Origin": origin}

    assert await refused(address, headers=headers) == 403
    async with Client(trust_env=False) as client:
        answer = await client.get(f"{address}/api/v1/events?topic=jobs", headers=headers)
    assert answer.status_code == 403


@pytest.mark.parametrize(("topic", "needed"), TOPICS.items())
async def test_each_topic_needs_its_permission(
    topic: str, needed: Permission, ob: Onbeat, address: str
) -> None:
    others = await ob.tokens.create("others", frozenset(Permission) - {needed}, by="test")
    async with listening(address, others.text) as listener:
        await listener.say(type="subscribe", topics=[topic])
        frame = await listener.frame()

    assert (frame["type"], frame["code"]) == ("error", "forbidden")
    assert str(needed) in frame["detail"]


async def test_an_owner_is_told_of_their_own_jobs_alone(ob: Onbeat, address: str) -> None:
    own = await ob.tokens.create("own", Role.OWNER.permissions, by="test", owner="u-1")
    async with listening(address, own.text) as listener:
        await listener.follow("jobs", "task:send", "queue:default")
        for owner in ("u-2", None, "u-1"):
            last = await ob.jobs.enqueue(
                "send", options=read_options(owner=owner), must_be_known=False
            )
        found = await listener.told_of([last.id])

    assert {each["id"] for each in found} == {last.id}


@pytest.mark.parametrize("topic", ["queues", "workers", "audit"])
async def test_an_owner_may_not_follow_what_is_everybodys(
    topic: str, ob: Onbeat, address: str
) -> None:
    own = await ob.tokens.create("own", frozenset(Permission), by="test", owner="u-1")
    async with listening(address, own.text) as listener:
        await listener.say(type="subscribe", topics=[topic])
        frame = await listener.frame()

    assert (frame["type"], frame["code"]) == ("error", "forbidden")


async def test_of_anothers_job_an_owner_is_told_that_there_is_none(
    ob: Onbeat, address: str
) -> None:
    job = (await ob.jobs.enqueue("send", options=read_options(owner="u-2"), must_be_known=False)).id
    own = await ob.tokens.create("own", Role.OWNER.permissions, by="test", owner="u-1")
    async with listening(address, own.text) as listener:
        told = []
        for topic in (f"job:{job}", f"job:{'0' * 32}"):
            await listener.say(type="subscribe", topics=[topic])
            told.append(await listener.frame())

    assert [each["code"] for each in told] == ["not-found", "not-found"]
    assert told[0]["detail"].replace(job, "0" * 32) == told[1]["detail"]


async def test_a_token_that_is_revoked_listens_no_more(
    ob: Onbeat, address: str, admin: Client
) -> None:
    made = await ob.tokens.create("some", frozenset({Permission.JOBS_READ}), by="test")
    async with listening(address, made.text) as listener:
        await listener.follow("jobs")
        await admin.told("DELETE", f"/tokens/{made.token.id}")
        code = await listener.closed()

    assert code == 4401


async def test_a_user_who_is_disabled_listens_no_more(
    ob: Onbeat, address: str, admin: Client
) -> None:
    headers = {"Cookie": await cookie_of(ob, address)}
    await ob.users.create("bob", Role.ADMIN, by="test", password=PASSWORD)
    async with listening(address, headers=headers) as listener:
        await listener.follow("jobs")
        await admin.told("PATCH", "/users/ann", json={"disabled": True})
        code = await listener.closed()

    assert code == 4401


async def test_a_user_whose_role_allows_less_ends(ob: Onbeat, address: str, admin: Client) -> None:
    headers = {"Cookie": await cookie_of(ob, address)}
    await ob.users.create("bob", Role.ADMIN, by="test", password=PASSWORD)
    async with listening(address, headers=headers) as listener:
        await listener.follow("jobs", "audit")
        await admin.told("PATCH", "/users/ann", json={"role": "viewer"})
        code = await listener.closed()

    assert code == 4403


@pytest.fixture
async def small(database_url: str) -> AsyncIterator[Onbeat]:
    """An application with room for one client."""
    async with Onbeat(database_url, settings=Settings(live_clients=1)) as ob:
        yield ob


async def test_one_more_than_may_listen_is_asked_to_come_back(small: Onbeat) -> None:
    made = await small.tokens.create("root", frozenset(Permission), by="test")
    async with served(small) as address, listening(address, made.text):
        assert await refused(address, token=made.text) == 503
