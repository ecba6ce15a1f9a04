"""Pictures of every page, of the demo at work: `python -m tests.ui.gallery [--to FOLDER]`.

Each page in the light, some in the dark and on a telephone, and one of a job that is not there.
People look at them; they stand in docs/gallery.md.
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
from typing import Literal

from playwright.async_api import Browser, Page, ViewportSize, async_playwright

from tests.servers.browser import NoBrowser, chromium
from tests.ui.building import ROOT, make

PICTURES = ROOT / "docs" / "pictures" / "ui"
SETTLES = 90
"""Seconds in which the demo has something of everything, an incident too."""


@dataclass(frozen=True)
class Shot:
    """A picture: where, what of, and how."""

    name: str
    path: str
    scheme: Literal["light", "dark"] = "light"
    is_small: bool = False


PAGES = {
    "overview": "/", "jobs": "/jobs", "failed": "/jobs?state=failed", "job": "/jobs/{job}",
    "workflow": "/workflows/{workflow}", "operations": "/operations", "schedules": "/schedules",
    "schedule": "/schedules/{schedule}", "new-schedule": "/new/schedule", "calendar": "/calendar",
    "queues": "/queues", "limits": "/limits", "workers": "/workers", "clocks": "/clocks",
    "incidents": "/alerts", "rules": "/alerts/rules", "channels": "/alerts/channels",
    "silences": "/alerts/silences", "notices": "/alerts/notices", "noise": "/alerts/noise",
    "reports": "/reports",
    "webhooks": "/webhooks", "audit": "/audit", "users": "/users", "tokens": "/tokens",
    "system": "/system", "lite": "/lite",
}  # fmt: skip
ALSO_DARK = ("overview", "job", "schedule", "calendar", "reports")
ALSO_SMALL = ("overview", "jobs", "job", "incidents")
FULL = [
    *(Shot(name, path) for name, path in PAGES.items()),
    *(Shot(f"{name}-dark", PAGES[name], "dark") for name in ALSO_DARK),
    *(Shot(f"{name}-small", PAGES[name], is_small=True) for name in ALSO_SMALL),
    Shot("error", "/jobs/00000000-0000-7000-8000-000000000000"),
]


@contextmanager
def demo(database: str) -> Iterator[tuple[str, str, str]]:
    """The demo as a process: its address, and who may sign in."""
    process = subprocess.Popen(
        [sys.executable, "-m", "examples.monitors"], cwd=ROOT, stdout=subprocess.PIPE, text=True,
        env={**os.environ, "ONBEAT_DB": database, "PYTHONUNBUFFERED": "1"},
    )  # fmt: skip
    assert process.stdout is not None
    told = next(line for line in process.stdout if line.startswith("Dashboard"))
    found = re.search(r"(http://\S+) +sign in as (\S+), password (\S+)", told)
    assert found, told
    try:
        yield found[1], found[2], found[3]
    finally:
        process.terminate()
        process.communicate()


@asynccontextmanager
async def tab(browser: Browser, shot: Shot, who: tuple[str, str, str]) -> AsyncIterator[Page]:
    """A tab of the picture's size and scheme, signed in."""
    address, name, password = who
    size: ViewportSize = (
        {"width": 390, "height": 844} if shot.is_small else {"width": 1280, "height": 800}
    )
    context = await browser.new_context(
        viewport=size,
        color_scheme=shot.scheme, timezone_id="Europe/Paris",
    )  # fmt: skip
    page = await context.new_page()
    await page.goto(f"{address}/")
    await page.get_by_label("Name").fill(name)
    await page.locator("input[type=password]").fill(password)
    await page.get_by_role("button", name="Sign in").click()
    await page.get_by_role("button", name=name).wait_for()
    yield page
    await context.close()


async def found(page: Page, address: str) -> dict[str, str]:
    """The ids that stand in addresses of single things."""

    async def first(path: str, member: str = "id") -> str:
        answer = await page.request.get(f"{address}/api/v1{path}")
        listed = (await answer.json())["data"]
        return str(listed[0][member]) if listed else "none"

    return {
        "job": await first("/jobs?task=export&limit=1"),
        "workflow": await first("/workflows?limit=1"),
        "schedule": "check_certificates",
    }


async def take(shots: list[Shot], who: tuple[str, str, str], folder: Path) -> None:
    """Take them all."""
    path = chromium()
    if isinstance(path, NoBrowser):
        sys.exit(str(path))
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        for shot in shots:
            async with tab(browser, shot, who) as page:
                there = shot.path.format_map(await found(page, who[0]))
                await page.goto(who[0] + there)
                await page.wait_for_load_state("networkidle")
                await page.screenshot(path=folder / f"{shot.name}.png")
                sys.stderr.write(f"{shot.name}: {there}\n")
        await browser.close()


def listed() -> str:
    """The page of all pictures."""
    parts = [
        "# The web UI in pictures\n\nTaken of the demo at work by `python -m tests.ui.gallery`.\n"
    ]
    parts += [f"\n## {each.name}\n![{each.name}](pictures/ui/{each.name}.png)\n" for each in FULL]
    return "".join(parts)


def main() -> None:
    """Take all, or some."""
    given = argparse.ArgumentParser(prog="python -m tests.ui.gallery", description=__doc__)
    given.add_argument("--to", type=Path, default=PICTURES, help="where the pictures go")
    given.add_argument("--settle", type=float, default=SETTLES, help="seconds before the first")
    given.add_argument("--only", nargs="*", help="the names of some")
    asked = given.parse_args()
    make()
    asked.to.mkdir(parents=True, exist_ok=True)
    shots = [each for each in FULL if not asked.only or each.name in asked.only]
    with tempfile.TemporaryDirectory() as folder, demo(f"sqlite:///{folder}/demo.db") as who:
        time.sleep(asked.settle)
        asyncio.run(take(shots, who, asked.to))
    if asked.to == PICTURES:
        (ROOT / "docs" / "gallery.md").write_text(listed())


if __name__ == "__main__":
    main()
