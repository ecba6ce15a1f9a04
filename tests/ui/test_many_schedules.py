"""A list of schedules: how each fared of late, and what is done to many at once."""

from __future__ import annotations

import asyncio
import re

import pytest
from playwright.async_api import Page, expect

from tests.ui.conftest import Site, sign_in
from tests.ui.test_schedules import add, choose, press

pytestmark = pytest.mark.timeout(600)  # the first one builds the UI, and may install Chromium


async def test_what_came_of_the_last_moments_is_seen_and_heard(page: Page, site: Site) -> None:
    await add(site, "beat", "--every", "1s")
    await sign_in(page, site, to="/schedules")
    row = page.get_by_role("table", name="Schedules").get_by_role("row").filter(has_text="beat")
    strip = row.get_by_role("img", name=re.compile("completed"))
    await expect(strip).to_be_visible(timeout=30_000)

    await asyncio.to_thread(site.run, "schedules", "pause", "beat")
    await asyncio.to_thread(site.run, "schedules", "resume", "beat")
    await page.reload()
    told = re.compile(r"^The last \d+: .*\bskipped\b.*; the newest: \w+$")
    await expect(row.get_by_role("img", name=told)).to_be_visible(timeout=30_000)
    await expect(row.locator(".strip .skipped").first).to_be_attached()
    await row.get_by_role("img").hover()
    await expect(page.get_by_role("tooltip")).to_contain_text("since 20")


async def test_the_calendar_shows_what_was_skipped(page: Page, site: Site) -> None:
    await add(site, "beat", "--every", "1s")
    await asyncio.to_thread(site.run, "schedules", "pause", "beat")
    await sign_in(page, site, to="/schedules")
    await asyncio.to_thread(site.run, "schedules", "resume", "beat")

    await page.goto(f"{site.address}/calendar?zone=UTC")
    skipped = page.get_by_role("link", name=re.compile("skipped"))
    await expect(skipped.first).to_be_visible(timeout=30_000)
    await skipped.first.click()
    hour = page.get_by_role("link", name=re.compile(r"^beat . \d+ skipped$"))
    await expect(hour.first).to_be_visible()
    await hour.first.click()
    await expect(page.get_by_role("heading", name="beat", exact=True)).to_be_visible()


async def test_many_are_chosen_counted_paused_and_resumed_at_once(page: Page, site: Site) -> None:
    for name in ("acme/a", "acme/b", "other"):
        await add(site, name, "--every", "1h")
    await sign_in(page, site, to="/schedules")
    rows = page.get_by_role("table", name="Schedules").get_by_role("row")
    for name in ("acme/a", "acme/b"):
        await page.get_by_role("checkbox", name=f"Choose {name}").click()
    bar = page.get_by_role("region", name="Chosen schedules")
    await expect(bar).to_contain_text("2 chosen")
    await expect(bar).not_to_contain_text("Choose all that match")

    await press(page, "Pause…")
    dialog = page.get_by_role("dialog", name="Pause schedules?")
    await expect(dialog).to_contain_text("2 schedules will be paused")
    await dialog.get_by_label("Why").fill("the bank is closed")
    await choose(page, "Until", "a moment")
    then = dialog.get_by_label("Goes on at")
    await then.fill("2020-01-01T00:00")
    await expect(then).to_have_attribute("aria-invalid", "true")
    await expect(dialog.get_by_role("button", name="Pause schedules")).to_be_disabled()
    await choose(page, "Until", "1 day")
    await dialog.get_by_role("button", name="Pause schedules").click()

    strip = page.get_by_role("status", name="Operation")
    await expect(strip).to_contain_text("completed: 2 of 2 schedules", timeout=30_000)
    await expect(bar).to_have_count(0)
    paused = rows.filter(has_text="paused by user:ann")
    await expect(paused).to_have_count(2)
    await expect(paused.first).to_contain_text("goes on in 24 h")
    await page.get_by_role("link", name="acme/a", exact=True).click()
    await expect(page.get_by_text("the bank is closed").first).to_be_visible()

    await page.goto(f"{site.address}/schedules?task=charge")
    await page.get_by_role("checkbox", name="Choose all on this page").click()
    await page.get_by_role("button", name="Choose all that match this filter").click()
    await expect(bar).to_contain_text("All that match this filter")
    await press(page, "Resume…")
    dialog = page.get_by_role("dialog", name="Resume schedules?")
    await expect(dialog).to_contain_text("2 schedules will be resumed, and go on from now")
    await dialog.get_by_role("button", name="Resume schedules").click()
    await expect(strip).to_contain_text("completed: 2 of 2 schedules", timeout=30_000)
    await expect(paused).to_have_count(0)
