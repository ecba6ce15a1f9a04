"""A person's own password: changed by who knows it, and by nobody else."""

from __future__ import annotations

from starlette.types import ASGIApp

from onbeat import Onbeat
from onbeat.domain.access import Permission, Role
from tests.api.asking import PASSWORD, Client, allowed, asking, person

OTHER = "another horse of another battery"


async def test_who_changes_it_stays_signed_in_here_and_is_signed_out_elsewhere(
    ob: Onbeat, app: ASGIApp, nobody: Client
) -> None:
    await person(ob, "vic", Role.VIEWER)
    async with asking(app) as elsewhere:
        await elsewhere.sign_in("vic")
        await nobody.sign_in("vic")
        changed = await nobody.told(
            "POST", "/me/password", json={"current": PASSWORD, "password": OTHER}
        )
        there = await elsewhere.get("/me")

    me = await nobody.told("GET", "/me")
    assert (me["name"], me["csrf_token"]) == ("vic", changed["csrf_token"])
    assert there.status_code == 401


async def test_from_then_on_the_new_one_is_good_and_the_old_one_is_not(
    ann: Client, nobody: Client
) -> None:
    await ann.told("POST", "/me/password", json={"current": PASSWORD, "password": OTHER})

    old, new = await nobody.sign_in("ann"), await nobody.sign_in("ann", OTHER)

    assert (old.status_code, new.status_code) == (401, 200)


async def test_who_does_not_know_it_is_told_at_its_field_and_kept_out_after_some_tries(
    ann: Client,
) -> None:
    said = {"current": "wrong horse battery staple", "password": OTHER}
    answers = [await ann.post("/me/password", json=said) for _ in range(8)]
    codes = [each.status_code for each in answers]

    assert codes[:5] == [400] * 5
    assert 429 in codes[5:]
    assert answers[0].json()["errors"][0]["field"] == "current"


async def test_one_that_is_too_short_is_refused_at_its_field(ann: Client) -> None:
    answer = await ann.post("/me/password", json={"current": PASSWORD, "password": "short"})

    assert answer.status_code == 400
    assert answer.json()["errors"][0]["field"] == "password"


async def test_a_token_has_none(ob: Onbeat, app: ASGIApp) -> None:
    async with allowed(ob, app, Permission.USERS_MANAGE) as program:
        said = {"current": PASSWORD, "password": OTHER}
        assert (await program.post("/me/password", json=said)).status_code == 403


async def test_that_it_was_changed_is_on_record_and_no_password_is(
    ann: Client, admin: Client
) -> None:
    await ann.told("POST", "/me/password", json={"current": PASSWORD, "password": OTHER})

    record = (await admin.get("/audit?action=user.change")).text

    assert '"actor_name":"ann"' in record
    assert (PASSWORD in record, OTHER in record) == (False, False)
