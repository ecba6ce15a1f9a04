"""Users by REST: for those who may manage them."""

from __future__ import annotations

from onbeat import Onbeat
from onbeat.domain.access import Role
from tests.api.asking import PASSWORD, Client, person


async def test_a_user_is_added_found_changed_and_removed(admin: Client, ob: Onbeat) -> None:
    await person(ob, "root", Role.ADMIN)
    made = await admin.told("POST", "/users", 201, json={"name": "Ann", "role": "viewer"})
    changed = await admin.told("PATCH", "/users/ann", json={"grants": ["jobs:arguments"]})
    await admin.told("DELETE", "/users/ann", 204)

    assert (made["name"], made["role"]) == ("ann", "viewer")
    assert "jobs:arguments" in changed["permissions"]
    await admin.told("GET", "/users/ann", 404)


async def test_the_last_admin_cannot_go(admin: Client, ob: Onbeat) -> None:
    await person(ob, "ann", Role.ADMIN)

    await admin.told("DELETE", "/users/ann", 409)
    await admin.told("PATCH", "/users/ann", 409, json={"role": "viewer"})
    await admin.told("PATCH", "/users/ann", 409, json={"disabled": True})


async def test_a_name_is_taken_once(admin: Client) -> None:
    await admin.told("POST", "/users", 201, json={"name": "ann", "role": "admin"})

    await admin.told("POST", "/users", 409, json={"name": "ANN", "role": "viewer"})


async def test_pages_hold_each_user_once(admin: Client) -> None:
    for number in range(7):
        await admin.told("POST", "/users", 201, json={"name": f"u{number}", "role": "admin"})

    seen: list[str] = []
    after: dict[str, str] = {}
    while True:
        page = await admin.told("GET", "/users", params={"limit": 3, **after})
        seen += [each["name"] for each in page["data"]]
        if page["page"]["next"] is None:
            break
        after = {"after": page["page"]["next"]}

    assert seen == [f"u{number}" for number in range(7)]


async def test_what_changes_is_on_record_before_and_after(admin: Client, ob: Onbeat) -> None:
    await person(ob, "ann", Role.ADMIN)
    await admin.told("POST", "/users", 201, json={"name": "bob", "role": "viewer"})

    await admin.told("PATCH", "/users/bob", json={"role": "operator", "password": PASSWORD})

    [entry] = (await admin.told("GET", "/audit", params={"action": "user.change"}))["data"]
    assert (entry["before"]["role"], entry["after"]["role"]) == ("viewer", "operator")
    assert (entry["actor_name"], entry["subject"]) == ("root", "bob")
    assert PASSWORD not in str(entry)


async def test_who_is_no_admin_can_be_changed_and_removed_where_there_is_none(
    admin: Client,
) -> None:
    await admin.told("POST", "/users", 201, json={"name": "ben", "role": "viewer"})

    await admin.told("PATCH", "/users/ben", json={"role": "operator"})
    await admin.told("DELETE", "/users/ben", 204)
