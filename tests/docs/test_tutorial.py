"""docs/tutorial.md, done from its first file to its last command."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.api.asking import PASSWORD
from tests.docs.walking import Walk, blocks
from tests.e2e.starting import surroundings
from tests.servers.postgres import free_port

PAGE = Path(__file__).parents[2] / "docs/tutorial.md"
SETUP = re.compile(r"(http://127\.0\.0\.1:\d+)/\S*#token=(\w+)")


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest) -> dict[str, str]:
    """The page's one variable: nothing on SQLite, where a file is made."""
    if request.param == "sqlite":
        return {}
    url = request.getfixturevalue("postgres_url")
    return {"ONBEAT_DB": url}


@pytest.fixture
def walk(database: dict[str, str], tmp_path: Path) -> Iterator[Walk]:
    walk = Walk(tmp_path, surroundings(**database, ONBEAT_PORT=str(free_port())))
    yield walk
    walk.end()


@pytest.mark.timeout(1_200)  # it asks dozens of processes, one after the other
def test_from_nothing_to_an_alert_and_to_its_end(walk: Walk, database: dict[str, str]) -> None:
    if database:
        walk.give("onbeat db migrate")
    page = PAGE.read_text().replace("9980", str(free_port()))
    before, browser, after = re.split(r"^(?=## [67]\.)", page, flags=re.M)
    assert not list(blocks(browser))

    for block in blocks(before):
        walk.do(block)
    assert_incident_is_seen(walk.said_in("2"))
    for block in blocks(after):
        walk.do(block)


def assert_incident_is_seen(said: str) -> None:
    """By who opens the link that was printed, and signs in."""
    found = SETUP.search(said)
    assert found, said
    host, token = found.groups()
    with httpx.Client(base_url=host) as browser:
        made = {"token": token, "name": "ann", "password": PASSWORD}
        browser.post("/api/v1/auth/setup", json=made).raise_for_status()
        asked = {"name": "ann", "password": PASSWORD}
        signed_in = browser.post("/api/v1/auth/login", json=asked).raise_for_status()
        # A browser takes 127.0.0.1 for safe, and sends it a cookie that is for https alone.
        cookie = signed_in.headers["Set-Cookie"].split(";")[0]
        page = browser.get("/lite", headers={"Cookie": cookie}).raise_for_status()

    assert "jobs fail one after the other" in page.text
