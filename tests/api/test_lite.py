"""`/lite`: how all is, without JavaScript, for who is signed in."""

from __future__ import annotations

import re

import pytest
from fastapi import FastAPI
from starlette.types import ASGIApp

from onbeat import Onbeat
from onbeat.api import make_asgi
from onbeat.domain.access import Permission, Role
from tests.api.asking import HOST, PASSWORD, Client, asking, person
from tests.api.test_incidents import failing

HIDDEN = re.compile(r'name="csrf" value="([^"]+)"')
LITE = f"{HOST}/lite"


async def entered(client: Client, name: str = "ann", at: str = LITE) -> str:
    """Sign in by the form; the page that follows."""
    form = (await client.get(at)).text
    said = {"csrf": HIDDEN.findall(form)[0], "name": name, "password": PASSWORD, "do": "sign-in"}
    answer = await client.post(at, data=said)
    assert (answer.status_code, answer.headers["location"]) == (303, "lite")
    return (await client.get(at)).text


@pytest.fixture
async def ann(ob: Onbeat, nobody: Client) -> Client:
    """An admin who has signed in by the form."""
    await person(ob, "ann", Role.ADMIN)
    await entered(nobody)
    return nobody


async def used(admin: Client, queue: str) -> None:
    """A queue with a job in it."""
    await admin.told("POST", "/jobs", 201, json={"task": "charge", "queue": queue})


async def test_who_signs_in_by_the_form_sees_how_all_is(admin: Client, ann: Client) -> None:
    await used(admin, "billing")
    page = (await ann.get(LITE)).text

    for part in ("Jobs", "Incidents", "Queues", "Next runs", "Workers"):
        assert f"<h2>{part}</h2>" in page
    assert "<td>billing</td><td>1</td><td>0</td>" in page
    assert "no worker is at work." in page
    assert "seen by ann" in page


async def test_under_a_path_of_another_application_it_works_too(ob: Onbeat) -> None:
    await person(ob, "ann", Role.ADMIN)
    host = FastAPI()
    host.mount("/tools/onbeat", make_asgi(ob))
    async with asking(host) as client:
        assert "seen by ann" in await entered(client, at=f"{HOST}/tools/onbeat/lite")


async def test_no_script_runs_on_it_and_what_it_asks_for_is_ours(ann: Client) -> None:
    answer = await ann.get(LITE)
    policy = answer.headers["content-security-policy"]

    assert policy.startswith("default-src 'none'; style-src 'self';")
    assert "script-src" not in policy
    assert answer.headers["referrer-policy"] == "same-origin"  # else forms have no origin
    assert not re.search(r"<script|\son\w+=|\sstyle=|//", answer.text)
    assert (await ann.get(f"{HOST}/lite.css")).headers["content-type"].startswith("text/css")


async def test_a_name_that_looks_like_a_script_is_a_text(admin: Client, ann: Client) -> None:
    await used(admin, "<script>alert(1)</script>")

    page = (await ann.get(LITE)).text

    assert "<td>&lt;script&gt;alert(1)&lt;/script&gt;</td>" in page


async def test_what_is_due_next_stands_first(admin: Client, ann: Client) -> None:
    for name, period in (("rare", "9h"), ("often", "3h"), ("paused", "1h")):
        said = {"name": name, "task": "charge", "every": period}
        await admin.told("POST", "/schedules", 201, json=said)
    await admin.told("POST", "/schedules/paused/pause")

    page = (await ann.get(LITE)).text
    runs = page.partition("<h2>Next runs</h2>")[2].partition("</section>")[0]

    assert re.findall(r"<tr><td>(\w+)", runs) == ["often", "rare"]


async def test_an_incident_that_is_over_is_not_told(ob: Onbeat, admin: Client, ann: Client) -> None:
    await failing(ob, "charge", "refund")
    over, *_ = (await admin.told("GET", "/incidents?subject=refund"))["data"]
    await admin.told("POST", f"/incidents/{over['id']}/resolve")

    page = (await ann.get(LITE)).text
    told = page.partition("<h2>Incidents</h2>")[2].partition("</section>")[0]

    assert ("charge" in told, "refund" in told) == (True, False)
    assert "1 open incident." in page or "1 open incident;" in page


@pytest.mark.parametrize(("field", "value"), [("csrf", "x" * 32), ("csrf", ""), ("csrf", "é")])
async def test_another_site_can_sign_nobody_in(
    ob: Onbeat, nobody: Client, field: str, value: str
) -> None:
    await person(ob, "ann", Role.ADMIN)
    await nobody.get(LITE)

    said = {"name": "ann", "password": PASSWORD, "do": "sign-in", field: value}
    answer = await nobody.post(LITE, data=said)

    assert (answer.status_code, "the form was too old" in answer.text) == (403, True)
    assert "<h2>Jobs</h2>" not in (await nobody.get(LITE)).text


async def test_a_form_that_a_browser_sends_for_another_site_is_refused(
    ob: Onbeat, nobody: Client
) -> None:
    await person(ob, "ann", Role.ADMIN)
    said = {"csrf": HIDDEN.findall((await nobody.get(LITE)).text)[0], "name": "ann",
            "password": PASSWORD, "do": "sign-in"}  # fmt: skip

    answer = await nobody.post(LITE, data=said, headers={"Origin": "https://evil.test"})

    assert (answer.status_code, "another site" in answer.text) == (403, True)


async def test_a_wrong_password_is_told_above_the_form_and_five_shut_it(
    ob: Onbeat, nobody: Client
) -> None:
    await person(ob, "ann", Role.ADMIN)
    codes = []
    for _ in range(8):
        form = (await nobody.get(LITE)).text
        said = {"csrf": HIDDEN.findall(form)[0], "name": "ann", "password": "x" * 20}
        answer = await nobody.post(LITE, data=said)
        codes.append(answer.status_code)
        assert 'role="alert"' in answer.text

    assert codes[0] == 403
    assert 429 in codes[5:]


async def test_who_signs_out_sees_the_form_again(ann: Client) -> None:
    page = (await ann.get(LITE)).text

    await ann.post(LITE, data={"csrf": HIDDEN.findall(page)[0], "do": "sign-out"})

    assert 'name="password"' in (await ann.get(LITE)).text


async def test_another_site_can_sign_nobody_out(ann: Client) -> None:
    await ann.post(LITE, data={"csrf": "x" * 64, "do": "sign-out"})

    assert (await ann.get(f"{HOST}/api/v1/me")).status_code == 200


async def test_a_viewer_sees_it_and_who_may_not_know_a_part_is_told_so(
    ob: Onbeat, app: ASGIApp, nobody: Client
) -> None:
    await person(ob, "vic", Role.VIEWER)
    made = await ob.tokens.create("some", frozenset({Permission.JOBS_READ}), by="test")
    async with asking(app, made.text) as program:
        part = (await program.get(LITE)).text

    assert "You may not see this." not in await entered(nobody, "vic")
    assert part.count("You may not see this.") == 4


async def test_who_sees_rows_of_their_own_alone_is_refused(ob: Onbeat, nobody: Client) -> None:
    await person(ob, "olga", Role.OWNER)
    await entered(nobody, "olga")

    answer = await nobody.get(LITE)

    assert (answer.status_code, "rows of its own alone" in answer.text) == (403, True)


async def test_before_anybody_can_sign_in_it_says_what_to_do(ob: Onbeat, nobody: Client) -> None:
    first = (await nobody.get(LITE)).text
    needed = await nobody.told("GET", "/auth/setup")
    await person(ob, "ann", Role.ADMIN)
    later = (await nobody.get(LITE)).text

    assert ("onbeat users create" in first, "onbeat users create" in later) == (True, False)
    assert (needed, await nobody.told("GET", "/auth/setup")) == (
        {"needed": True},
        {"needed": False},
    )


async def test_a_form_longer_than_any_is_refused_on_a_page(nobody: Client) -> None:
    await nobody.get(LITE)

    answer = await nobody.post(LITE, data={"csrf": "x", "name": "a" * 2_000_000})

    assert answer.status_code == 403
    assert answer.headers["content-type"].startswith("text/html")
