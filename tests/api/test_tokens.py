"""Tokens: what they allow, how long, and that their text is nowhere but with who made them."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from sqlalchemy import Connection, select
from starlette.types import ASGIApp

from onbeat import Onbeat
from onbeat.domain import api_tokens
from onbeat.domain.access import Permission, Role
from onbeat.store.schema import tokens
from tests.api.asking import Client, allowed, asking, person


async def test_a_token_allows_what_it_says_and_no_more(ob: Onbeat, app: ASGIApp) -> None:
    async with allowed(ob, app, Permission.QUEUES_READ) as client:
        await client.told("GET", "/queues")
        answer = await client.post("/queues/default/pause")

    assert (answer.status_code, "queues:manage" in answer.json()["detail"]) == (403, True)


async def test_a_person_makes_a_token_and_comes_in_with_it(ann: Client, app: ASGIApp) -> None:
    made = await ann.told("POST", "/tokens", 201, json={"name": "ci", "scopes": ["queues:read"]})

    async with asking(app, made["token"]) as client:
        assert (await client.told("GET", "/me"))["permissions"] == ["queues:read"]


async def test_its_text_is_nowhere_in_the_database(ob: Onbeat) -> None:
    made = await ob.tokens.create("ci", frozenset({Permission.JOBS_READ}), by="ann")

    def look(connection: Connection, _: object) -> str:
        return str(connection.execute(select(tokens)).all())

    assert made.text not in await (await ob.store()).read(look)
    assert made.text not in repr(made)


async def test_one_that_is_revoked_lets_nobody_in(ann: Client, app: ASGIApp) -> None:
    made = await ann.told("POST", "/tokens", 201, json={"name": "ci", "scopes": ["queues:read"]})

    await ann.told("DELETE", f"/tokens/{made['id']}")

    async with asking(app, made["token"]) as client:
        await client.told("GET", "/me", 401)


async def test_one_that_is_over_lets_nobody_in(ob: Onbeat, app: ASGIApp) -> None:
    life = timedelta(microseconds=1)
    made = await ob.tokens.create(
        "ci", frozenset({Permission.JOBS_READ}), by="ann", expires_in=life
    )

    async with asking(app, made.text) as client:
        await client.told("GET", "/me", 401)


async def test_it_allows_no_more_than_its_user_may_by_now(ob: Onbeat, app: ASGIApp) -> None:
    await person(ob, "root", Role.ADMIN)
    await person(ob, "ann", Role.OPERATOR)
    scopes = frozenset({Permission.JOBS_MANAGE, Permission.JOBS_READ})
    made = await ob.tokens.create("ci", scopes, by="ann", user="ann")

    await ob.users.change("ann", role=Role.VIEWER)

    async with asking(app, made.text) as client:
        assert (await client.told("GET", "/me"))["permissions"] == ["jobs:read"]


async def test_nobody_gives_a_token_what_they_have_not(ob: Onbeat, app: ASGIApp) -> None:
    await person(ob, "bob", Role.VIEWER)
    async with asking(app) as bob:
        await bob.sign_in("bob")

        await bob.told("POST", "/tokens", 403, json={"name": "x", "scopes": ["users:manage"]})
        await bob.told(
            "POST", "/tokens", 403, json={"name": "x", "scopes": ["jobs:read"], "service": True}
        )


async def test_another_persons_token_is_not_there(ann: Client, ob: Onbeat, app: ASGIApp) -> None:
    made = await ann.told("POST", "/tokens", 201, json={"name": "ci", "scopes": ["queues:read"]})
    await person(ob, "bob", Role.OPERATOR)
    async with asking(app) as bob:
        await bob.sign_in("bob")

        await bob.told("DELETE", f"/tokens/{made['id']}", 404)
        assert (await bob.told("GET", "/tokens"))["data"] == []


async def test_a_token_makes_no_tokens(admin: Client) -> None:
    await admin.told("POST", "/tokens", 403, json={"name": "ci", "scopes": ["jobs:read"]})


async def test_when_it_was_used_is_known(ob: Onbeat, app: ASGIApp) -> None:
    made = await ob.tokens.create("ci", frozenset({Permission.QUEUES_READ}), by="ann")
    async with asking(app, made.text) as client:
        await client.told("GET", "/me")

    assert (await ob.tokens.find(made.token.id)).used_at is not None


@pytest.mark.parametrize(
    "header", ["", "Bearer", "Bearer ", "Basic YTpi", "Bearer onb_pat_x_y", "Bearer å", "onb"]
)
async def test_an_odd_header_lets_nobody_in(nobody: Client, header: str) -> None:
    await nobody.told("GET", "/me", 401, headers=[(b"Authorization", header.encode())])


async def test_a_token_in_the_address_is_not_looked_at(ob: Onbeat, nobody: Client) -> None:
    """Addresses stand in logs, histories and referers."""
    made = await ob.tokens.create("ci", frozenset(Permission), by="ann")

    await nobody.told("GET", f"/me?token={made.text}&access_token={made.text}", 401)


@pytest.mark.parametrize("kind", api_tokens.KINDS)
def test_its_text_can_be_found_by_scanners_and_checked_without_a_database(kind: str) -> None:
    text = api_tokens.make(kind, bytes(range(32)))

    assert re.fullmatch(api_tokens.PATTERN, text)
    assert api_tokens.is_sound(text)
    assert not api_tokens.is_sound(text[:-1] + ("A" if text[-1] != "A" else "B"))
