"""The page on which the API is read: all of it from here, and under a strict policy."""

from __future__ import annotations

import re
from urllib.parse import urljoin

from onbeat.api.reference import POLICY
from tests.api.asking import Client

QUOTED = re.compile(r'(?:src|href)="([^"]+)"')


async def test_all_that_the_page_needs_is_served_beside_it(nobody: Client) -> None:
    page = await nobody.get("/reference")
    parts = QUOTED.findall(page.text)
    found = {each: await nobody.get(urljoin(str(page.url), each)) for each in parts}

    assert len(parts) == 5
    assert [name for name, answer in found.items() if answer.status_code != 200] == []
    assert not any("//" in each for each in parts)


async def test_the_page_may_ask_nothing_of_others_and_no_text_in_it_is_a_script(
    nobody: Client,
) -> None:
    policy = (await nobody.get("/reference")).headers["Content-Security-Policy"]

    assert policy == POLICY
    assert policy.startswith("default-src 'none'")
    assert "unsafe" not in policy
    assert "http" not in policy


async def test_it_has_no_other_files(nobody: Client) -> None:
    for name in ("reference.html", "..%2Freference.py", "__init__.py", "redoc.standalone.js"):
        assert (await nobody.get(f"/reference/{name}")).status_code == 404, name
