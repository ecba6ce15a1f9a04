"""The page on which the first admin is made: all of it from here, and open until one is there."""

from __future__ import annotations

import re
from urllib.parse import urljoin

import pytest
from fastapi import FastAPI

from onbeat import Onbeat
from onbeat.api import make_asgi
from onbeat.api.first_page import POLICY
from onbeat.app.passwords import FEWEST, MOST
from onbeat.domain.access import Role
from tests.api.asking import HOST, PASSWORD, Client, asking, person

QUOTED = re.compile(r'(?:src|href)="([^"]+)"')
ASKED_BY_SCRIPT = re.compile(r'ask\("([^"]+)"')


async def test_all_that_the_page_needs_is_served_beside_it(nobody: Client) -> None:
    page = await nobody.get("/setup")
    quoted = QUOTED.findall(page.text)
    parts = [each for each in quoted if each != "../../"]  # the web UI, which is built apart
    found = {each: await nobody.get(urljoin(str(page.url), each)) for each in parts}

    assert page.headers["content-type"].startswith("text/html")
    assert (len(parts), len(quoted)) == (3, 4)
    assert [name for name, answer in found.items() if answer.status_code != 200] == []
    assert not any("//" in each for each in parts)


@pytest.mark.parametrize("under", ["/api/v1", "/tools/onbeat/api/v1"])
async def test_the_link_s_page_makes_the_admin_under_any_path(ob: Onbeat, under: str) -> None:
    host = FastAPI()
    host.mount(under.removesuffix("/api/v1"), make_asgi(ob))
    said = {"name": "ann", "password": PASSWORD, "token": await ob.users.setup_token()}
    async with asking(host) as nobody:
        page = f"{HOST}{under}/setup"
        script = await nobody.get(urljoin(page, "setup/setup.js"))
        asked = {name: urljoin(page, name) for name in ASKED_BY_SCRIPT.findall(script.text)}
        made = await nobody.post(asked.pop("auth/setup"), json=said)
        del said["token"]
        signed_in = await nobody.post(asked.pop("auth/login"), json=said)

    assert (made.status_code, signed_in.status_code, asked) == (200, 200, {}), made.text


async def test_it_may_ask_nothing_of_others_and_no_text_in_it_is_a_script(nobody: Client) -> None:
    page = await nobody.get("/setup")
    policy = page.headers["Content-Security-Policy"]

    assert policy == POLICY
    assert policy.startswith("default-src 'none'")
    assert not re.search("unsafe|http|data:", policy)
    assert not re.search(r"<style|\son\w+=|\sstyle=|<script(?! src)", page.text)


async def test_nobody_keeps_it_and_it_tells_nobody_where_one_comes_from(nobody: Client) -> None:
    headers = (await nobody.get("/setup")).headers

    assert (headers["Cache-Control"], headers["Referrer-Policy"]) == ("no-store", "no-referrer")


async def test_it_says_what_passwords_are_taken(nobody: Client) -> None:
    assert f"{FEWEST} to {MOST} characters" in (await nobody.get("/setup")).text


async def test_once_somebody_is_there_it_is_gone_and_says_what_to_do(
    ob: Onbeat, nobody: Client
) -> None:
    await person(ob, "ann", Role.ADMIN)

    answer = await nobody.get("/setup")

    assert (answer.status_code, "<form" in answer.text) == (410, False)
    assert "onbeat users edit NAME --password" in answer.text
    assert answer.headers["Content-Security-Policy"] == POLICY


async def test_it_has_no_other_files(nobody: Client) -> None:
    for name in ("setup.html", "start.js", "..%2Ffirst_page.py", "__init__.py"):
        assert (await nobody.get(f"/setup/{name}")).status_code == 404, name
