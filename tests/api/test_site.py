"""The web UI as it is served: one page for all its addresses, under any path, and files."""

from __future__ import annotations

import re
import subprocess
import sys
from hashlib import sha256
from pathlib import Path
from urllib.parse import urljoin

import pytest
from fastapi import FastAPI

from onbeat import Onbeat
from onbeat.api import make_asgi
from tests.api.asking import HOST, asking

ADDRESSES = ("/", "/jobs", "/jobs/01a2298ffae87076b68b22e12f861f22", "/schedules/nightly/report")
BASE = re.compile(r'<base href="([^"]+)"')
ROOT = Path(__file__).parents[2]


@pytest.fixture
def built(tmp_path: Path) -> Path:
    """Files as they are built."""
    page = (ROOT / "ui" / "index.html").read_text()
    (tmp_path / "index.html").write_text(page)
    (tmp_path / "icon.svg").write_text("<svg/>")
    (tmp_path / "assets").mkdir()
    (tmp_path / "assets" / "index-abc.js").write_text("1")
    return tmp_path


@pytest.mark.parametrize("under", ["", "/tools/onbeat"])
@pytest.mark.parametrize("address", ADDRESSES)
async def test_each_address_gives_the_page_which_knows_where_it_stands(
    ob: Onbeat, built: Path, address: str, under: str
) -> None:
    host = FastAPI()
    host.mount(under, make_asgi(ob, built=built))
    async with asking(host) as nobody:
        answer = await nobody.get(f"{HOST}{under}{address}", headers={"Accept": "text/html"})

    found = BASE.search(answer.text)
    assert answer.status_code == 200
    assert found is not None
    assert urljoin(f"{HOST}{under}{address}", found[1]) == f"{HOST}{under}/"


async def test_what_the_page_may_do_is_said_with_a_nonce_of_its_own(
    ob: Onbeat, built: Path
) -> None:
    async with asking(make_asgi(ob, built=built)) as nobody:
        first, other = [
            await nobody.get(f"{HOST}/jobs", headers={"Accept": "text/html"}) for _ in range(2)
        ]
    nonces = [re.search(r"'nonce-([^']+)'", each.headers["content-security-policy"]) for each in
              (first, other)]  # fmt: skip

    assert nonces[0] is not None
    assert nonces[1] is not None
    assert nonces[0][1] in first.text
    assert nonces[0][1] != nonces[1][1]


async def test_files_are_kept_by_browsers_for_ever_and_others_are_not_found(
    ob: Onbeat, built: Path
) -> None:
    async with asking(make_asgi(ob, built=built)) as nobody:
        there = await nobody.get(f"{HOST}/assets/index-abc.js")
        gone = await nobody.get(f"{HOST}/assets/index-old.js")
        outside = await nobody.get(f"{HOST}/assets/..%2Findex.html")

    assert "immutable" in there.headers["cache-control"]
    assert gone.status_code == 404
    assert "load the page again" in gone.json()["detail"]
    assert outside.status_code == 404


@pytest.mark.parametrize(
    ("accepted", "coded"),
    [("gzip, deflate, br", "gzip"), ("br;q=1.0, GZIP;q=0.8", "gzip"), ("*", "gzip"),
     ("", None), ("identity", None), ("gzip;q=0, br", None), ("gzip; q=0.00", None)],
)  # fmt: skip
async def test_files_are_sent_compressed_to_those_that_take_it(
    ob: Onbeat, built: Path, accepted: str, coded: str | None
) -> None:
    written = "let beat = 1;\n" * 1_000
    (built / "assets" / "index-abc.js").write_text(written)
    async with asking(make_asgi(ob, built=built)) as nobody:
        answer = await nobody.get(
            f"{HOST}/assets/index-abc.js", headers={"Accept-Encoding": accepted}
        )

    assert answer.headers.get("content-encoding") == coded
    assert answer.headers["vary"] == "Accept-Encoding"
    assert answer.headers["content-type"].startswith("text/javascript")
    assert (int(answer.headers["content-length"]) < len(written)) == (coded is not None)
    assert answer.text == written


@pytest.mark.parametrize("under", ["", "/tools/onbeat"])
async def test_whoever_looks_whether_it_is_there_is_given_the_first_page(
    ob: Onbeat, built: Path, under: str
) -> None:
    host = FastAPI()
    host.mount(under, make_asgi(ob, built=built))
    async with asking(host) as nobody:
        seen = await nobody.get(f"{HOST}{under}/", headers={"Accept": "*/*"})
        refused = await nobody.get(f"{HOST}{under}/", headers={"Accept": "application/json"})

    assert (seen.status_code, seen.headers["content-type"][:9]) == (200, "text/html")
    assert refused.status_code == 404


async def test_a_program_that_mistypes_an_address_is_told_so(ob: Onbeat, built: Path) -> None:
    async with asking(make_asgi(ob, built=built)) as nobody:
        answer = await nobody.get(f"{HOST}/jobs/shedule")

    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"


async def test_where_it_was_not_built_it_says_what_builds_it(ob: Onbeat, tmp_path: Path) -> None:
    async with asking(make_asgi(ob, built=tmp_path)) as nobody:
        answer = await nobody.get(f"{HOST}/", headers={"Accept": "text/html"})

    assert answer.status_code == 404
    assert "make ui" in answer.json()["detail"]


def test_the_client_of_the_ui_is_made_from_the_description_of_today() -> None:
    described = subprocess.run(
        [sys.executable, "-m", "onbeat.api"], check=True, capture_output=True, cwd=ROOT
    ).stdout
    made_from = (ROOT / "ui" / "src" / "client" / "made_from").read_text().strip()
    assert sha256(described).hexdigest() == made_from, "run `make client`"
