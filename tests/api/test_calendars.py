"""Calendars by REST."""

from __future__ import annotations

from tests.api.asking import Client, Wrong, misnamed

ICS = """BEGIN:VCALENDAR
VERSION:2.0
BEGIN:VEVENT
DTSTART;VALUE=DATE:20901225
SUMMARY:Christmas
END:VEVENT
END:VCALENDAR
"""


async def test_one_is_put_found_changed_and_removed(admin: Client) -> None:
    said = {
        "weekend": ["fri", "sat"], "holidays": ["2090-07-14"],
        "closed": [["2090-08-01T00:00:00Z", "2090-08-15T00:00:00Z"]],
    }  # fmt: skip
    made = await admin.told("PUT", "/calendars/fr", 201, json=said)
    found = await admin.told("GET", "/calendars/fr")
    changed = await admin.told("PUT", "/calendars/fr", json={"holidays": []})
    await admin.told("DELETE", "/calendars/fr", 204)

    assert found == {"name": "fr", **said}
    assert made == {**found, "changed": []}
    assert (changed["holidays"], changed["weekend"]) == ([], ["sat", "sun"])
    await admin.told("GET", "/calendars/fr", 404)


async def test_what_is_answered_can_be_put(admin: Client) -> None:
    body = {"holidays": ["2090-07-14"]}
    await admin.told("PUT", "/calendars/fr", 201, json=body)
    found = await admin.told("GET", "/calendars/fr")
    del found["name"]

    await admin.told("PUT", "/calendars/copy", 201, json=found)

    assert (await admin.told("GET", "/calendars/copy")) == {"name": "copy", **found}


async def test_days_of_an_icalendar_file_are_holidays(admin: Client) -> None:
    made = await admin.told("PUT", "/calendars/fr", 201, json={"ics": ICS})

    assert made["holidays"] == ["2090-12-25"]


async def test_schedules_that_keep_to_it_change_with_it(admin: Client) -> None:
    await admin.told("PUT", "/calendars/fr", 201, json={})
    body = {"name": "acme", "task": "t", "cron": "0 9 * * *", "workdays": "fr"}
    await admin.told("POST", "/schedules", 201, json=body)

    changed = await admin.told("PUT", "/calendars/fr", json={"holidays": ["2090-07-14"]})

    assert changed["changed"] == ["acme"]
    await admin.told("DELETE", "/calendars/fr", 409)


async def test_who_edits_what_has_changed_since_is_refused(admin: Client) -> None:
    await admin.told("PUT", "/calendars/fr", 201, json={})
    seen = {"If-Match": (await admin.get("/calendars/fr")).headers["etag"]}
    put = await admin.put("/calendars/fr", json={"holidays": ["2090-07-14"]}, headers=seen)

    await admin.told("PUT", "/calendars/fr", 412, json={}, headers=seen)
    await admin.told("DELETE", "/calendars/fr", 412, headers=seen)
    await admin.told("PUT", "/calendars/de", 412, json={}, headers=seen)
    await admin.told("DELETE", "/calendars/fr", 204, headers={"If-Match": put.headers["etag"]})


async def test_pages_hold_each_once(admin: Client) -> None:
    for name in ("de", "fr"):
        await admin.told("PUT", f"/calendars/{name}", 201, json={})

    first = await admin.told("GET", "/calendars", params={"limit": 1})
    second = await admin.told("GET", "/calendars", params={"after": first["page"]["next"]})

    assert [each["name"] for page in (first, second) for each in page["data"]] == ["de", "fr"]


async def test_a_wrong_value_is_named(admin: Client) -> None:
    wrong: Wrong = [
        ("weekend", ["someday"]), ("weekend", "sat"), ("holidays", ["soon"]), ("holidays", [7]),
        ("weekend", ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]), ("ics", "x"),
        ("closed", [["2090-01-02T00:00:00Z", "2090-01-01T00:00:00Z"]]), ("closed", [["x", "y"]]),
        ("closed", ["x"]), ("closed", [["2090-01-02T00:00:00Z"]]), ("holiday", ["2090-07-14"]),
    ]  # fmt: skip

    assert await misnamed(admin, "PUT", "/calendars/fr", {}, wrong) == []


async def test_what_is_not_there_is_told_so(admin: Client) -> None:
    await admin.told("GET", "/calendars/nowhere", 404)
    await admin.told("DELETE", "/calendars/nowhere", 404)
    await admin.told("PUT", "/calendars/a%20b", 400, json={})


async def test_each_change_is_written_down_once(admin: Client) -> None:
    await admin.told("PUT", "/calendars/fr", 201, json={})
    await admin.told("DELETE", "/calendars/fr", 204)

    entries = (await admin.told("GET", "/audit", params={"subject": "fr"}))["data"]

    removed, put = entries
    assert (removed["action"], put["action"]) == ("calendar.remove", "calendar.put")
    assert (put["before"], put["after"]["weekend"]) == (None, ["sat", "sun"])
    assert (removed["before"], removed["after"]) == (put["after"], None)
