"""The first admin: made once, with the token that the first start tells."""

from __future__ import annotations

from onbeat import Onbeat
from onbeat.domain.access import Role
from tests.api.asking import PASSWORD, Client, person


async def setup(client: Client, token: str | None, status: int, name: str = "ann") -> None:
    """Ask for the first admin."""
    body = {"token": token, "name": name, "password": PASSWORD}
    await client.told("POST", "/auth/setup", status, json=body)


async def test_the_token_makes_an_admin_who_can_sign_in(ob: Onbeat, nobody: Client) -> None:
    await setup(nobody, await ob.users.setup_token(), 200)
    await nobody.sign_in("ann")

    assert "users:manage" in (await nobody.told("GET", "/me"))["permissions"]


async def test_it_does_so_once(ob: Onbeat, nobody: Client) -> None:
    token = await ob.users.setup_token()
    await setup(nobody, token, 200)

    await setup(nobody, token, 401, "bob")


async def test_the_one_of_an_earlier_start_is_good_no_more(ob: Onbeat, nobody: Client) -> None:
    before = await ob.users.setup_token()
    await ob.users.setup_token()

    await setup(nobody, before, 401)


async def test_where_somebody_is_there_no_token_is_made(ob: Onbeat) -> None:
    await person(ob, "ann", Role.ADMIN)

    assert await ob.users.setup_token() is None


async def test_it_lets_nobody_in_by_itself(ob: Onbeat, nobody: Client) -> None:
    token = await ob.users.setup_token()

    await nobody.told("GET", "/me", 401, headers={"Authorization": f"Bearer {token}"})


async def test_a_weak_password_is_refused_and_the_token_stays_good(
    ob: Onbeat, nobody: Client
) -> None:
    token = await ob.users.setup_token()
    body = {"token": token, "name": "ann", "password": "short"}
    await nobody.told("POST", "/auth/setup", 400, json=body)

    await setup(nobody, token, 200)


async def test_who_has_no_token_is_refused_before_the_password_is_looked_at(
    ob: Onbeat, nobody: Client
) -> None:
    await ob.users.setup_token()
    body = {"token": "wrong", "name": "ann", "password": "short"}

    await nobody.told("POST", "/auth/setup", 401, json=body)


async def test_what_is_written_down_of_it_is_who_was_made(ob: Onbeat, nobody: Client) -> None:
    token = await ob.users.setup_token()
    await setup(nobody, token, 200)

    [entry] = await ob.audit.list()

    assert (entry.action, entry.subject) == ("user.set_up", "ann")
    assert str(token) not in repr(entry)
