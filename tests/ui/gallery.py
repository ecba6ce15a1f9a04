"""Pictures of every page, of the demo at work: `python -m tests.ui.gallery [--all] [--to FOLDER]`.

With `--all` each page in the light, in the dark, on a telephone, in its full length, where there is
nothing yet, and where the server has failed. People look at them; some stand in docs/gallery.md.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from playwright.async_api import Browser, Page, Route, ViewportSize, async_playwright, expect

from onbeat import Onbeat
from onbeat.domain.access import Role
from tests.servers.browser import NoBrowser, chromium
from tests.servers.postgres import free_port
from tests.ui.building import ROOT, make

PICTURES = ROOT / "docs" / "pictures" / "ui"
SETTLES = 90
"""Seconds in which the demo has something of everything, an incident too."""

READ_MS = 1_000
"""Milliseconds in which a page that is there has read also what is asked for last."""

How = Literal["light", "dark", "small", "full", "empty", "error"]
WAYS: tuple[How, ...] = ("light", "dark", "small", "full", "empty", "error")


@dataclass(frozen=True)
class Shot:
    """A picture: of which page, and how."""

    page: str
    how: How = "light"

    @property
    def name(self) -> str:
        """What its file is called."""
        return self.page if self.how == "light" else f"{self.page}-{self.how}"

    @property
    def path(self) -> str:
        """Where the page is."""
        return PAGES[self.page]


@dataclass(frozen=True)
class Who:
    """Somebody who may sign in, and where."""

    address: str
    name: str
    password: str


PAGES = {
    "overview": "/", "jobs": "/jobs", "failed": "/jobs?state=failed", "job": "/jobs/{job}",
    "new-job": "/new/job", "workflow": "/workflows/{workflow}", "operations": "/operations",
    "operation": "/operations/{operation}", "schedules": "/schedules",
    "schedule": "/schedules/{schedule}", "new-schedule": "/new/schedule",
    "edit-schedule": "/edit/schedule/{schedule}", "calendar": "/calendar",
    "day": "/calendar?view=day", "working-days": "/calendar?view=workdays", "queues": "/queues",
    "queue": "/queues?queue=checks", "limits": "/limits", "breakers": "/limits?tab=breakers",
    "retention": "/limits?tab=retention", "workers": "/workers",
    "services": "/workers?tab=services", "regions": "/workers?tab=regions", "clocks": "/clocks",
    "incidents": "/alerts", "incident": "/alerts/incidents/{incident}", "rules": "/alerts/rules",
    "rule": "/alerts/rules?edit=failure-rate", "channels": "/alerts/channels",
    "new-channel": "/alerts/channels?new=yes", "silences": "/alerts/silences",
    "new-silence": "/alerts/silences?new=yes", "notices": "/alerts/notices",
    "noise": "/alerts/noise", "reports": "/reports", "webhooks": "/webhooks", "audit": "/audit",
    "users": "/users", "tokens": "/tokens", "you": "/me", "system": "/system",
    "doctor": "/system?tab=doctor", "database": "/system?tab=database",
    "settings": "/system?tab=settings", "lite": "/lite",
    "not-there": "/jobs/00000000-0000-7000-8000-000000000000",
}  # fmt: skip
KEPT: dict[How, tuple[str, ...]] = {
    "light": (
        "overview", "jobs", "failed", "job", "workflow", "operation", "schedules", "schedule",
        "new-schedule", "calendar", "queues", "limits", "workers", "services", "clocks",
        "incidents", "rules", "rule", "silences", "reports", "audit", "users",
        "tokens", "system", "doctor", "lite", "not-there",
    ),
    "dark": ("overview", "job", "schedule", "calendar", "reports"),
    "small": ("overview", "jobs", "job", "schedule", "queues", "incidents"),
    "full": (),
    "empty": ("overview", "jobs", "channels"),
    "error": ("overview", "jobs"),
}  # fmt: skip
"""Those that stand in the repository: all of them would be 20 MB."""


def of(each: str, how: How) -> bool:
    """Whether there is such a picture: of single things there is none where there is nothing."""
    fails = how != "error" or each != "lite"  # which is no script that asks
    return fails and (how != "empty" or "{" not in PAGES[each])


ALL = [Shot(each, how) for how in WAYS for each in PAGES if of(each, how)]
SOME = [Shot(each, how) for how in WAYS for each in KEPT[how]]


@contextmanager
def process(*arguments: str, cwd: Path, said: str, **environment: str) -> Iterator[str]:
    """A process of ours until the end; the line that begins with what it is to have said."""
    begun = subprocess.Popen(
        [sys.executable, "-m", *arguments], cwd=cwd, stdout=subprocess.PIPE, text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), **environment,
             "PYTHONUNBUFFERED": "1"},
    )  # fmt: skip
    assert begun.stdout is not None
    try:
        yield next(line for line in begun.stdout if line.startswith(said))
    finally:
        begun.terminate()
        begun.communicate()


@contextmanager
def demo(folder: Path) -> Iterator[Who]:
    """The demo at work."""
    database = f"sqlite:///{folder}/demo.db"
    with process("examples.monitors", cwd=ROOT, said="Dashboard", ONBEAT_DB=database) as told:
        found = re.search(r"(http://\S+) +sign in as (\S+), password (\S+)", told)
        assert found, told
        yield Who(found[1], found[2], found[3])


@contextmanager
def bare(folder: Path) -> Iterator[Who]:
    """An application without anything, on its first day."""
    database, port = f"sqlite:///{folder}/bare.db", free_port()
    who = Who(f"http://127.0.0.1:{port}", "ann", "correct horse battery staple")
    (folder / "bare.py").write_text("from onbeat import Onbeat\n\nob = Onbeat()\n")
    asyncio.run(_add(database, who))
    with process(
        "onbeat", "up", "--app", "bare:ob", "--json", cwd=folder, said="{", ONBEAT_DB=database,
        ONBEAT_PORT=str(port),
    ):  # fmt: skip
        yield who


async def _add(database: str, who: Who) -> None:
    async with Onbeat(database) as ob:
        await ob.migrate()
        await ob.users.create(who.name, Role.ADMIN, by="gallery", password=who.password)


SIZES: dict[How, ViewportSize] = {"small": {"width": 390, "height": 844}}


@asynccontextmanager
async def tab(browser: Browser, how: How, who: Who) -> AsyncIterator[Page]:
    """A tab of the picture's size and scheme, signed in."""
    context = await browser.new_context(
        viewport=SIZES.get(how, {"width": 1280, "height": 800}),
        color_scheme="dark" if how == "dark" else "light", timezone_id="Europe/Paris",
    )  # fmt: skip
    page = await context.new_page()
    await sign_in(page, who)
    await page.goto(f"{who.address}/")  # what is read once is, before the first is looked at
    await page.get_by_role("heading", level=1).wait_for()
    if how == "error":
        await page.route(re.compile(r"/api/v1/(?!me$|auth/|live)"), fail)
    yield page
    await context.close()


async def sign_in(page: Page, who: Who) -> dict[str, Any]:
    """Come in; what is told to whoever does."""
    said = {"name": who.name, "password": who.password}
    answer = await page.request.post(f"{who.address}/api/v1/auth/login", data=said)
    assert answer.ok, await answer.text()
    return dict(await answer.json())


async def fail(route: Route) -> None:
    """Answer as a server does whose database is gone."""
    problem = {
        "type": "about:blank", "title": "Service Unavailable", "status": 503, "code": "unavailable",
        "detail": "the database cannot be reached", "message": "", "request_id": "5d0c2f1a9b",
    }  # fmt: skip
    await route.fulfill(status=503, content_type="application/problem+json", json=problem)


MADE: dict[str, Any] = {
    "/operations": {"action": "redrive", "where": {"task": ["check_certificates"]}},
    "/clocks": {"name": "world", "at": "2027-01-04T08:00:00Z"},
    "/silences": {"matcher": {"tasks": ["report*"]}, "reason": "a deploy", "for": "1h"},
    "/tokens": {"name": "ci", "scopes": ["jobs:enqueue", "jobs:read"], "expires_in_days": 90},
}
"""What the demo makes none of."""


async def fill(browser: Browser, who: Who) -> None:
    """Make it."""
    async with tab(browser, "light", who) as page:
        token = (await sign_in(page, who))["csrf_token"]
        for path, body in MADE.items():
            answer = await page.request.post(
                f"{who.address}/api/v1{path}", data=body, headers={"X-CSRF-Token": token}
            )
            assert answer.ok, await answer.text()


async def found(page: Page, who: Who) -> dict[str, str]:
    """The ids that stand in addresses of single things."""

    async def first(path: str) -> str:
        answer = await page.request.get(f"{who.address}/api/v1{path}")
        listed = (await answer.json())["data"]
        return str(listed[0]["id"]) if listed else "none"

    return {
        "job": await first("/jobs?task=export&limit=1"),
        "workflow": await first("/workflows?limit=1"),
        "operation": await first("/operations?limit=1"),
        "incident": await first("/incidents?limit=1"),
        "schedule": "check_certificates",
    }


async def take(shots: list[Shot], demo: Who, bare: Who, folder: Path) -> None:
    """Take them all."""
    path = chromium()
    if isinstance(path, NoBrowser):
        sys.exit(str(path))
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        await fill(browser, demo)
        for how in WAYS:
            who = bare if how == "empty" else demo
            async with tab(browser, how, who) as page:
                ids = await found(page, who)
                for shot in (each for each in shots if each.how == how):
                    there = shot.path.format_map(ids)
                    await page.goto(who.address + there)
                    await settled(page)
                    await page.screenshot(path=folder / f"{shot.name}.png", full_page=how == "full")
                    sys.stderr.write(f"{shot.name}: {there}\n")
        await browser.close()


async def settled(page: Page) -> None:
    """Wait until the page shows what it has read."""
    await (
        page.get_by_role("heading", level=1)
        .first.or_(page.get_by_role("alert").first)
        .first.wait_for()
    )
    await expect(page.locator("[aria-busy=true]")).to_have_count(0, timeout=30_000)
    await page.wait_for_timeout(READ_MS)


def listed() -> str:
    """The page of those that are kept."""
    parts = [
        "# The web UI in pictures\n\nTaken of the demo at work by `python -m tests.ui.gallery`; "
        "with `--all --to FOLDER` each page in the light, in the dark, on a\ntelephone, in full, "
        "where there is nothing, and where the server fails.\n"
    ]
    parts += [f"\n## {each.name}\n![{each.name}](pictures/ui/{each.name}.png)\n" for each in SOME]
    return "".join(parts)


def main() -> None:
    """Take all, or some."""
    given = argparse.ArgumentParser(prog="python -m tests.ui.gallery", description=__doc__)
    given.add_argument("--all", action="store_true", help="each page, each way; needs --to")
    given.add_argument("--to", type=Path, default=PICTURES, help="where the pictures go")
    given.add_argument("--settle", type=float, default=SETTLES, help="seconds before the first")
    given.add_argument("--only", nargs="*", help="the names of some")
    asked = given.parse_args()
    if asked.all and asked.to == PICTURES:
        given.error("--all needs --to: they are more than the repository keeps")
    make()
    asked.to.mkdir(parents=True, exist_ok=True)
    wanted = ALL if asked.all else SOME
    shots = [each for each in wanted if not asked.only or each.name in asked.only]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with demo(folder) as busy, bare(folder) as empty:
            time.sleep(asked.settle)
            asyncio.run(take(shots, busy, empty, asked.to))
    if asked.to == PICTURES:
        (ROOT / "docs" / "gallery.md").write_text(listed())


if __name__ == "__main__":
    main()
