"""Signing in and out: what is told, what is not, and what another site cannot do."""

from __future__ import annotations

import asyncio

import pytest
from sqlalchemy import Connection, select
from starlette.types import ASGIApp

from onbeat import Onbeat
from onbeat.domain.access import Role
from onbeat.domain.users import FIRST_PAUSE
from onbeat.store.schema import guesses
from tests.api.asking import HOST, PASSWORD, Client, asking, person


async def test_who_signs_in_is_known_by_the_cookie(ann: Client) -> None:
    me = await ann.told("GET", "/me")

    assert (me["kind"], me["name"]) == ("user", "ann")


async def test_the_cookie_cannot_be_read_by_scripts_nor_set_by_other_hosts(
    ob: Onbeat, nobody: Client
) -> None:
    await person(ob, "ann", Role.ADMIN)

    answer = await nobody.sign_in("ann")

    words = {each.strip().lower() for each in answer.headers["set-cookie"].split(";")[1:]}
    assert answer.headers["set-cookie"].startswith("__Host-onbeat=")
    assert {"httponly", "secure", "samesite=lax", "path=/"} <= words


async def test_without_tls_the_cookie_has_the_plain_name(ob: Onbeat, nobody: Client) -> None:
    await person(ob, "ann", Role.ADMIN)

    answer = await nobody.post(
        "http://onbeat.test/api/v1/auth/login", json={"name": "ann", "password": PASSWORD}
    )

    assert answer.headers["set-cookie"].startswith("onbeat=")
    assert "secure" not in answer.headers["set-cookie"].lower()


@pytest.mark.parametrize("name", ["ann", "nobody", "", "x" * 200, "an\x00n"])
async def test_what_was_wrong_is_not_told(ob: Onbeat, nobody: Client, name: str) -> None:
    await person(ob, "ann", Role.ADMIN)

    answer = await nobody.sign_in(name, "wrong horse battery staple")

    assert answer.status_code == 401
    assert "the name or the password is wrong" in answer.json()["detail"]


@pytest.mark.parametrize("name", ["ann", "nobody"])
async def test_after_five_wrong_guesses_it_is_told_for_how_long_none_is_read(
    ob: Onbeat, nobody: Client, name: str
) -> None:
    """Not even the right one, and the same where there is no such user."""
    await person(ob, "ann", Role.ADMIN)
    wrong = [await nobody.sign_in(name, "wrong horse battery staple") for _ in range(5)]

    answer = await nobody.sign_in(name)

    problem, seconds = answer.json(), answer.headers["retry-after"]
    assert {each.status_code for each in wrong} == {401}
    assert (answer.status_code, problem["code"]) == (429, "too-many")
    assert answer.headers["content-type"] == "application/problem+json"
    assert 0 < int(seconds) <= FIRST_PAUSE.total_seconds()
    assert problem["detail"] == f"there were too many tries; wait {seconds} s, and try again"
    assert "www-authenticate" not in answer.headers


async def test_guesses_at_one_name_shut_the_address_for_others_too(
    ob: Onbeat, nobody: Client
) -> None:
    await person(ob, "ann", Role.ADMIN)
    for number in range(5):
        await nobody.sign_in(f"guess{number}", "wrong horse battery staple")

    assert (await nobody.sign_in("ann")).status_code == 429


async def test_a_sign_in_makes_a_new_cookie_whatever_was_sent(ob: Onbeat, nobody: Client) -> None:
    """No one can give somebody a cookie first and use it after they have signed in."""
    await person(ob, "ann", Role.ADMIN)
    nobody.cookies.set("__Host-onbeat", "given-by-an-attacker", domain="onbeat.test")

    await nobody.sign_in("ann")

    values = {each.value for each in nobody.cookies.jar}
    assert (await nobody.told("GET", "/me"))["name"] == "ann"
    assert "given-by-an-attacker" not in values or len(values) > 1


async def test_who_signs_out_is_known_no_more(ann: Client, app: ASGIApp) -> None:
    [cookie] = [each.value for each in ann.cookies.jar]
    await ann.told("POST", "/auth/logout", 204)

    async with asking(app) as other:
        other.cookies.set("__Host-onbeat", cookie or "", domain="onbeat.test")
        await other.told("GET", "/me", 401)


@pytest.mark.parametrize("token", [None, "0" * 64, "å"])
async def test_what_changes_something_needs_the_token_another_site_cannot_read(
    ann: Client, token: str | None
) -> None:
    del ann.headers["X-CSRF-Token"]
    headers = [] if token is None else [(b"X-CSRF-Token", token.encode())]

    answer = await ann.post("/queues/default/pause", headers=headers)

    assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")


async def test_what_comes_from_another_site_is_refused(ann: Client) -> None:
    answer = await ann.post("/queues/default/pause", headers={"Origin": "https://evil.test"})

    assert (answer.status_code, "another site" in answer.text) == (403, True)


async def test_what_comes_from_ones_own_site_is_done(ann: Client) -> None:
    answer = await ann.post("/queues/default/pause", headers={"Origin": HOST})

    assert answer.status_code == 200


async def test_who_is_disabled_is_out_at_once(ann: Client, ob: Onbeat) -> None:
    await person(ob, "bob", Role.ADMIN)

    await ob.users.change("ann", disabled=True)

    await ann.told("GET", "/me", 401)


async def test_a_new_password_signs_out_everywhere(ann: Client, ob: Onbeat) -> None:
    await ob.users.change("ann", password="another horse battery")  # noqa: S106

    await ann.told("GET", "/me", 401)


async def test_sign_ins_are_on_record_with_their_address(ann: Client, ob: Onbeat) -> None:
    [entry] = [each for each in await ob.audit.list() if each.action == "user.sign_in"]

    assert (entry.actor_name, entry.subject, bool(entry.address)) == ("ann", "ann", True)


async def test_guesses_at_the_same_time_are_all_counted(ob: Onbeat, nobody: Client) -> None:
    await person(ob, "ann", Role.ADMIN)

    answers = await asyncio.gather(*(nobody.sign_in("ann", "wrong horse") for _ in range(6)))

    def times(connection: Connection, _: object) -> int | None:
        of_ann = guesses.c.subject == "name:ann"
        return connection.scalar(select(guesses.c["count"]).where(of_ann))

    assert {each.status_code for each in answers} == {401}
    assert await (await ob.store()).read(times) == 6
