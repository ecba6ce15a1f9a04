"""A fleet of one process, and a browser that looks at it."""

from __future__ import annotations

import asyncio
import logging
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Coroutine, Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import httpx
import msgspec
import pytest
import pytest_asyncio
from playwright.async_api import Browser, BrowserContext, Page, async_playwright

from onbeat import Onbeat
from onbeat.domain.access import Permission, Role
from tests.api.asking import PASSWORD
from tests.api.test_incidents import failing
from tests.forking import Forked, Program
from tests.servers.browser import NoBrowser, chromium
from tests.servers.postgres import free_port
from tests.ui.building import make

T = TypeVar("T")

log = logging.getLogger(__name__)

APP = """
import asyncio
from onbeat import Breaker, Onbeat, Retry, Run, every

ob = Onbeat()


@ob.task(queue="billing", retry=Retry(1))
async def charge(run: Run, order_id: int, note: str = "") -> str:
    run.log.info("charging", order=order_id)
    if order_id < 0:
        raise ValueError(f"there is no order {order_id}")
    return f"charged {order_id}"


@ob.task(breakers=Breaker("bank"))
async def dawdle() -> None:
    await asyncio.sleep(60)


@ob.task
async def talk(run: Run, says: list[str], times: int = 1, stays_s: float = 0) -> dict[str, object]:
    for number in range(times):
        for each in says:
            run.log.info(each, number=number)
    run.progress(0.5, "half <b>way</b>")
    for _ in range(int(stays_s * 20)):
        run.check()
        await asyncio.sleep(0.05)
    return {"big": 12345678901234567890123, "html": "<img src=x onerror=alert(2)>"}


@ob.schedule(every("1h"))
@ob.task(name="hourly-report")
async def report() -> None: ...
"""


SEEN_ONCE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
"""What is looked at is the same on either engine."""


FAILED: pytest.StashKey[bool] = pytest.StashKey()
"""Whether a story went wrong; its page is told of then, as nobody was there to see it."""


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Keep whether it failed, for `page`."""
    report = yield
    item.stash[FAILED] = item.stash.get(FAILED, False) or report.failed
    return report


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """All stories live in the loop in which the browser does."""
    for item in items:
        if "browser" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)


@dataclass
class Site:
    """Onbeat as a process, with its UI."""

    database: str
    folder: Path
    port: int
    process: Forked | None = None
    setup: str | None = None
    """The link that its start has printed, where nobody could sign in."""
    _token: str = ""

    @property
    def address(self) -> str:
        """Where it is."""
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start it, and wait until it answers."""
        arguments = ["up", "--app", "shop:ob", "--json"]
        self.process = Forked(Program("onbeat", arguments, self.folder, self.environment))
        ready = msgspec.json.decode(self.process.stdout.readline())["ready"]
        assert (ready["api"], ready["ui"]) == (self.address, f"{self.address}/")
        self.setup = ready["setup"]

    def stop(self) -> None:
        """Let it end."""
        if self.process is not None:
            self.process.terminate()
            self.process.wait(60)
            self.process.stdout.close()
            self.process = None

    def run(self, *arguments: str, said: str = "") -> str:
        """What a command says."""
        return subprocess.run(
            [sys.executable, "-m", "onbeat", *arguments], cwd=self.folder, env=self.environment,
            input=said, check=True, capture_output=True, text=True,
        ).stdout  # fmt: skip

    def add(self, name: str, role: Role) -> None:
        """Somebody who may sign in."""
        _aside(self._add(name, role))

    def charge(self, order: int, note: str = "") -> None:
        """Ask for a job; that of an order below 0 fails."""
        body = {"task": "charge", "args": {"order_id": order, "note": note}}
        self.ask("POST", "/jobs", json=body)

    def ail(self, task: str) -> None:
        """Let a task be one whose last job failed for good, a moment ago."""
        _aside(self._ail(task))

    def ask(self, method: str, path: str, **asked: Any) -> httpx.Response:
        """What the API answers to one who may do everything. Raises httpx.HTTPStatusError."""
        self._token = self._token or _aside(self._make_token())
        answer = httpx.request(
            method, f"{self.address}/api/v1{path}",
            headers={"Authorization": f"Bearer {self._token}"}, **asked,
        )  # fmt: skip
        return answer.raise_for_status()

    async def _add(self, name: str, role: Role) -> None:
        async with Onbeat(self.database) as ob:
            await ob.migrate()
            await ob.users.create(name, role, by="test", password=PASSWORD)

    async def _ail(self, task: str) -> None:
        async with Onbeat(self.database) as ob:
            await failing(ob, task)

    async def _make_token(self) -> str:
        async with Onbeat(self.database) as ob:
            made = await ob.tokens.create("test", ALL, by="test")
        return made.text

    @property
    def environment(self) -> dict[str, str]:
        """The environment of its processes."""
        return {
            **os.environ, "ONBEAT_DB": self.database, "ONBEAT_API": "true",
            "ONBEAT_PORT": str(self.port),
            "ONBEAT_SECRET_KEY": "a key of a test that has 32 characters or more",
            "ONBEAT_OUTBOUND_ALLOW": "127.0.0.1", "ONBEAT_OUTBOUND_HTTP": "true",
            "ONBEAT_SHUTDOWN_GRACE": "1s",
        }  # fmt: skip


ALL = frozenset(Permission)


def _aside(work: Coroutine[Any, Any, T]) -> T:
    """What it gives, of a loop in a thread of its own: a test's own loop may run here."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, work).result()


@pytest.fixture
def bare(database_url: str, tmp_path: Path) -> Iterator[Site]:
    """The process before its first start, on either engine: nobody can sign in."""
    make()
    (tmp_path / "shop.py").write_text(APP)
    site = Site(database_url, tmp_path, free_port())
    yield site
    site.stop()


@pytest.fixture
def site(bare: Site) -> Site:
    """The process, on either engine; ann is an admin."""
    bare.add("ann", Role.ADMIN)
    bare.start()
    return bare


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    """A real Chromium; one for all stories, each of which has a profile of its own."""
    path = chromium()
    if isinstance(path, NoBrowser):
        pytest.skip(str(path))
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield browser
        await browser.close()


@pytest_asyncio.fixture(loop_scope="session")
async def context(browser: Browser) -> AsyncIterator[BrowserContext]:
    """A browser's profile, in Paris."""
    context = await browser.new_context(
        viewport={"width": 1280, "height": 800}, timezone_id="Europe/Paris"
    )
    yield context
    await context.close()


@pytest_asyncio.fixture(loop_scope="session")
async def page(
    context: BrowserContext, site: Site, request: pytest.FixtureRequest
) -> AsyncIterator[Page]:
    """A tab; nothing goes wrong in it that nobody expects, and it asks for nothing elsewhere."""
    page = await context.new_page()
    wrong: list[str] = []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("dialog", lambda dialog: wrong.append(dialog.message))
    page.on(
        "console",
        lambda said: wrong.append(said.text) if "Content Security Policy" in said.text else None,
    )
    page.on(
        "request",
        lambda request: (
            None if request.url.startswith((site.address, "data:")) else wrong.append(request.url)
        ),
    )
    yield page
    if request.node.stash.get(FAILED, False):
        log.error("%s\n%s", page.url, await page.locator("body").aria_snapshot())
    assert wrong == []


async def sign_in(page: Page, site: Site, name: str = "ann", to: str = "/") -> None:
    """Come in at an address, as whoever has signed in before."""
    said = {"name": name, "password": PASSWORD}
    answer = await page.context.request.post(f"{site.address}/api/v1/auth/login", data=said)
    assert answer.ok, await answer.text()
    await page.goto(f"{site.address}{to}")
    await page.get_by_role("button", name=name, exact=True).wait_for()
