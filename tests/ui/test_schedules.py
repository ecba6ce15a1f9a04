"""Schedules, their calendar and their clocks, as people make, change and follow them."""

from __future__ import annotations

import asyncio
import re

import pytest
from playwright.async_api import Browser, Locator, Page, expect
from playwright.async_api import TimeoutError as OutOfPatience

from onbeat.domain.access import Role
from tests.ui.conftest import SEEN_ONCE, Site, sign_in

pytestmark = pytest.mark.timeout(600)  # the first one builds the UI, and may install Chromium

BIG = "12345678901234567890"
BAND = re.compile(r"^sync every 5 min .12$")


async def add(site: Site, name: str, *said: str, task: str = "charge") -> None:
    """A schedule that is there already."""
    args = ("--args", '{"order_id": 7}') if task == "charge" else ()
    await asyncio.to_thread(site.run, "schedules", "add", name, "--task", task, *said, *args)


async def press(within: Page | Locator, name: str) -> None:
    """Press what is called exactly so."""
    await within.get_by_role("button", name=name, exact=True).click()


async def choose(page: Page, label: str, option: str) -> None:
    """Choose from what drops down; look again where the page moved it out of sight."""
    box = (
        page.get_by_role("combobox", name=label, exact=True)
        .or_(page.get_by_label(label, exact=True))
        .first
    )
    await box.click()
    for patience_ms in (2_000, 2_000, 30_000):
        await box.scroll_into_view_if_needed()
        try:
            await page.get_by_role("option", name=option, exact=True).click(timeout=patience_ms)
        except OutOfPatience:
            continue
        return
    raise AssertionError(f"{option} of {label} never came into sight")


async def test_a_list_is_searched_narrowed_switched_and_its_address_says_so(
    page: Page, site: Site
) -> None:
    for name in ("acme/invoice", "beta/invoice"):
        await add(site, name, "--every", "1h")
    await sign_in(page, site, to="/schedules")
    rows = page.get_by_role("table", name="Schedules").get_by_role("row")
    await expect(rows).to_have_count(4)
    await expect(page.get_by_role("link", name="3 on")).to_be_visible()
    await expect(rows.filter(has_text="hourly-report")).to_contain_text("code:app")

    search = page.get_by_label("Search names and tasks")
    await search.fill("ACME")
    await search.press("Enter")
    await expect(rows).to_have_count(2)
    await page.reload()
    await expect(search).to_have_value("ACME")
    await expect(rows).to_have_count(2)

    await page.get_by_role("switch", name="acme/invoice is on").click(force=True)
    await page.get_by_label("Why").fill("they left <b>for good</b>")
    await choose(page, "Until", "1 day")
    await press(page, "Pause it")
    await expect(rows.nth(1)).to_contain_text("paused by user:ann")
    await expect(rows.nth(1)).to_contain_text("goes on in 24 h")

    await page.get_by_role("link", name="1 paused").click()
    assert page.url.endswith("/schedules?standing=paused")
    await expect(rows).to_have_count(2)
    await page.get_by_role("link", name="acme/invoice").click()
    await expect(page.get_by_text("they left <b>for good</b>").first).to_be_visible()
    await page.go_back()
    await page.get_by_role("switch", name="acme/invoice is on").click(force=True)
    await expect(page.get_by_text("No schedule fits")).to_be_visible()
    await page.get_by_role("button", name="Show all").click()
    await expect(page.get_by_role("link", name="3 on")).to_be_visible()


async def test_a_schedule_is_made_of_a_preset_and_what_is_refused_stands_at_its_field(
    page: Page, site: Site
) -> None:
    await sign_in(page, site, to="/new/schedule")
    await page.get_by_label("Name").fill("nightly")
    await choose(page, "Task", "charge")
    await press(page, "daily at 02:30")
    await expect(page.get_by_text("at 02:30 every day (Europe/Paris)")).to_be_visible()
    await expect(page.get_by_text("comes twice in Europe/Paris").first).to_be_visible()
    table = page.get_by_role("table", name="Next moments")
    await expect(table.get_by_role("columnheader")).to_have_text(
        ["Europe/Paris", "UTC", "From now"]
    )

    await page.get_by_label("Arguments").fill("{")
    await expect(page.get_by_text("Give a JSON object")).to_be_visible()
    await page.get_by_label("Arguments").fill(f'{{"order_id": {BIG}, "note": "a"}}')
    await press(page, "Policies: overlap, catch-up, jitter, failures")
    await page.get_by_role("textbox", name="Jitter").fill("2d")
    await press(page, "Schedule it")
    await expect(page.get_by_text("2d is out of range; give 0s to 1d")).to_be_visible()
    assert await page.get_by_role("textbox", name="Jitter").get_attribute("aria-invalid") == "true"
    await page.get_by_role("textbox", name="Jitter").fill("5m")
    await press(page, "Its jobs: queue, priority, time, what is kept")
    await page.get_by_label("Kept of failed jobs").fill("soon")
    await press(page, "Schedule it")
    failed = page.get_by_label("Kept of failed jobs")
    await expect(failed).to_have_attribute("aria-invalid", "true")
    await expect(page.get_by_label("Kept of completed jobs")).not_to_have_attribute(
        "aria-invalid", "true"
    )
    await failed.fill("90d")
    await press(page, "From, until, how often")
    await page.get_by_role("textbox", name="Due until").fill("soon")
    await press(page, "Schedule it")
    await expect(page.get_by_role("textbox", name="Due until")).to_have_attribute(
        "aria-invalid", "true"
    )
    await page.get_by_role("textbox", name="Due until").fill("2090-01-01T00:00:00+01:00")
    await press(page, "Schedule it")

    await expect(page.get_by_role("heading", name="nightly", exact=True)).to_be_visible()
    await expect(page.get_by_text(BIG)).to_be_visible()
    await expect(page.get_by_role("table", name="How it goes about it")).to_contain_text("5 min")


async def test_a_moment_whose_job_failed_is_seen_to_have(page: Page, site: Site) -> None:
    await asyncio.to_thread(
        site.run, "schedules", "add", "in-vain", "--task", "charge", "--every", "1s",
        "--limit", "2", "--args", '{"order_id": -1}',
    )  # fmt: skip
    await sign_in(page, site, to="/schedules/in-vain")
    failed = page.get_by_role("img", name="ran, its job failed")
    await expect(failed).to_have_count(2, timeout=30_000)


async def test_moments_jobs_and_what_is_done_by_hand_are_seen_on_its_page(
    page: Page, site: Site
) -> None:
    await add(site, "hourly", "--every", "1h")
    await sign_in(page, site, to="/schedules/hourly")
    jobs = page.get_by_role("table", name="Jobs of this schedule")

    await press(page, "Run now")
    await expect(jobs.get_by_role("row").nth(1)).to_contain_text("by hand")
    await press(page, "Run with…")
    dialog = page.get_by_role("dialog")
    await dialog.get_by_label("Arguments").fill('{"nothing": 1}')
    await press(page, "Run it")
    await expect(dialog.get_by_text("charge has no such argument")).to_be_visible()
    await dialog.get_by_label("Arguments").fill('{"order_id": -5}')
    await press(page, "Run it")
    await expect(page.get_by_text("ValueError: there is no order -5").first).to_be_visible()
    await page.goto(f"{site.address}/schedules/hourly")
    await choose(page, "What came of them", "retrying")
    await expect(jobs.get_by_role("row")).to_have_count(2)
    assert page.url.endswith("?result=retrying")

    await press(page, "Skip…")
    await page.get_by_label("Moments to leave out").fill("1001")
    await press(page, "Skip them")
    await expect(page.get_by_label("Moments to leave out")).to_have_attribute(
        "aria-invalid", "true"
    )
    await page.get_by_label("Moments to leave out").fill("2")
    await press(page, "Skip them")
    await expect(page.get_by_text("its next 2 moments are left out, by user:ann")).to_be_visible()

    await press(page, "Pause…")
    await press(page, "Pause it")
    await expect(page.get_by_text("paused by user:ann").first).to_be_visible()
    await press(page, "Resume")
    await expect(page.get_by_role("button", name="Pause…")).to_be_visible()

    await press(page, "Remove")
    await page.get_by_role("dialog").get_by_role("button", name="Remove").click()
    await expect(page.get_by_text("hourly is removed.")).to_be_visible()
    await expect(page.get_by_role("table", name="Schedules")).to_be_visible()
    await expect(page.get_by_role("link", name="hourly", exact=True)).to_have_count(0)


async def test_a_change_is_seen_as_what_differs_and_is_taken_back(page: Page, site: Site) -> None:
    await add(site, "acme", "--cron", "0 9 * * *", "--tz", "Europe/Paris")
    await sign_in(page, site, to="/schedules/acme")
    await press(page, "Edit")
    await expect(page.get_by_label("When")).to_have_value("0 9 * * *")
    await expect(page.get_by_role("button", name="Save it")).to_be_disabled()
    await page.get_by_label("When").fill("0 8 * * *\n0 18 * * *")
    await page.get_by_label("Arguments").fill(f'{{"order_id": {BIG}}}')
    await page.get_by_label("Why it is changed").fill("they open sooner")
    await press(page, "Save it")

    changed = page.get_by_role("table", name="What version 2 changed")
    await expect(changed).to_contain_text("0 9 * * * (Europe/Paris)")
    await expect(changed).to_contain_text("0 8 * * * · 0 18 * * * (Europe/Paris)")
    await expect(page.get_by_text("they open sooner")).to_be_visible()
    await expect(page.get_by_text(f'{{"order_id":{BIG}}}', exact=True)).to_be_visible()
    await press(page, "Back to version 1")
    await page.get_by_role("dialog").get_by_role("button", name="Back to version 1").click()
    await expect(page.get_by_text("“back to version 1”")).to_be_visible()
    await expect(page.get_by_text("at 09:00 every day (Europe/Paris), runs")).to_be_visible()

    await press(page, "Duplicate")
    await expect(page.get_by_label("Name")).to_have_value("acme-2")
    await press(page, "Schedule it")
    await expect(page.get_by_role("heading", name="acme-2", exact=True)).to_be_visible()


async def test_who_edits_what_another_has_changed_is_told_and_loses_nothing(
    browser: Browser, page: Page, site: Site
) -> None:
    site.add("bob", Role.ADMIN)
    await add(site, "acme", "--every", "1h")
    await sign_in(page, site, to="/edit/schedule/acme")
    await page.get_by_label("When").fill("2h")

    other = await browser.new_page()
    await sign_in(other, site, "bob", to="/edit/schedule/acme")
    await choose(other, "Priority", "9")
    await press(other, "Save it")
    await expect(other.get_by_role("heading", name="acme", exact=True)).to_be_visible()

    await press(page, "Save it")
    alert = page.get_by_role("alert").filter(has_text="user:bob changed it meanwhile")
    await expect(alert).to_contain_text("priority: 9")
    await press(page, "Save mine beside theirs")
    await expect(page.get_by_text("every 2h").first).to_be_visible()
    await expect(page.get_by_role("link", name="default, priority 9")).to_be_visible()

    await page.goto(f"{site.address}/edit/schedule/acme")
    await page.get_by_label("When").fill("3h")
    await other.goto(f"{site.address}/edit/schedule/acme")
    await other.get_by_label("When").fill("4h")
    await press(other, "Save it")
    await expect(other.get_by_role("heading", name="acme", exact=True)).to_be_visible()
    await press(page, "Save it")
    await expect(page.get_by_text("you changed that, too")).to_be_visible()
    await press(page, "Take theirs, and begin anew")
    await expect(page.get_by_label("When")).to_have_value("4h")
    await other.close()


@SEEN_ONCE
async def test_on_a_phone_the_next_moments_are_seen_without_moving_the_page(
    page: Page, site: Site
) -> None:
    await add(site, "nightly", "--cron", "0 2 * * *", "--tz", "America/New_York")
    await page.set_viewport_size({"width": 360, "height": 740})
    await sign_in(page, site, to="/schedules/nightly")
    moments = page.get_by_role("table", name="Next moments")
    await expect(moments.get_by_role("row")).to_have_count(11)
    assert await moments.evaluate("each => each.getBoundingClientRect().right <= innerWidth")


async def test_a_backfill_is_seen_before_it_is_made(page: Page, site: Site) -> None:
    await add(site, "hourly", "--every", "1h")
    await sign_in(page, site, to="/schedules/hourly")
    await press(page, "Backfill…")
    dialog = page.get_by_role("dialog")
    await dialog.get_by_label("From").fill("2026-01-05T08:00:00")
    await dialog.get_by_label("To, included").fill("2026-01-05T06:00:00")
    await press(page, "See what it would do")
    await expect(dialog.locator("[aria-invalid=true]")).to_have_count(1)
    await dialog.get_by_label("To, included").fill("2026-01-05T10:00:00")
    await press(page, "See what it would do")
    await expect(dialog.get_by_text("3 jobs would be made")).to_be_visible()
    await expect(dialog.get_by_text("2026-01-05 09:00:00 CET")).to_be_visible()
    await press(page, "Make 3 jobs")
    await expect(page.get_by_text("3 of 3 made")).to_be_visible(timeout=30_000)

    await press(page, "Backfill…")
    await dialog.get_by_label("From").fill("2025-01-05T08:00:00")
    await dialog.get_by_label("To, included").fill("2025-12-05T10:00:00")
    await press(page, "See what it would do")
    await page.get_by_role("button", name=re.compile("Make .* jobs")).click()
    await expect(dialog).to_be_hidden()
    stop = page.get_by_role("region", name="Backfill of 8").get_by_role("button", name="Stop")
    await stop.click()
    await press(dialog, "Stop")
    await expect(page.get_by_text("stopped by user:ann")).to_be_visible()


async def test_the_calendar_goes_by_keys_and_zones_and_days_are_as_long_as_they_are(
    page: Page, site: Site
) -> None:
    await add(site, "sync", "--every", "5m")
    await sign_in(page, site, to="/calendar?at=2026-10-24&zone=Europe/Paris")
    day = page.get_by_role("link", name=re.compile("Sunday 25 October 2026:.* 25 h long"))
    await expect(day).to_be_visible()
    await page.locator("[data-day='2026-10-24']").press("ArrowRight")
    await expect(page).to_have_url(re.compile("at=2026-10-25"))
    await page.keyboard.press("Enter")
    await expect(page.get_by_text("This day has 25 hours in Europe/Paris")).to_be_visible()
    hours = page.get_by_role("table", name="Sunday 25 October 2026").get_by_role("row")
    await expect(hours).to_have_count(25)
    await expect(hours.nth(2)).to_contain_text("02:00 +02:00")
    await expect(hours.nth(3)).to_contain_text("02:00 +01:00")
    await choose(page, "Zone", "UTC")
    await expect(hours).to_have_count(24)

    await press(page, "Today")
    await press(page, "Later")
    await expect(page.get_by_role("link", name=BAND)).to_have_count(24)
    await expect(page.get_by_role("link", name="hourly-report 13:00")).to_be_visible()
    await page.get_by_role("link", name=BAND).first.click()
    await expect(page.get_by_role("heading", name="sync", exact=True)).to_be_visible()
    await page.get_by_role("link", name="in the calendar").click()
    await expect(page.get_by_role("button", name="Take schedule sync away")).to_be_visible()
    tomorrow = page.locator("td[aria-current=date] a")
    await expect(tomorrow).to_have_accessible_name(re.compile("to come"))

    await page.get_by_text("Working days").click()
    await press(page, "New calendar")
    dialog = page.get_by_role("dialog")
    await dialog.get_by_label("Name").fill("fr")
    await dialog.get_by_label("Holidays").fill("Christmas")
    await press(page, "Keep it")
    await expect(dialog.get_by_label("Holidays")).to_have_attribute("aria-invalid", "true")
    await dialog.get_by_label("Holidays").fill("2027-12-25")
    await press(page, "Keep it")
    await expect(page.get_by_role("row").filter(has_text="2027-12-25")).to_contain_text("sat, sun")
    await press(page, "Edit fr")
    await dialog.get_by_text("fri", exact=True).click()
    await press(page, "Keep it")
    await expect(page.get_by_role("row").nth(1)).to_contain_text("fri")
    await press(page, "Remove")
    await page.get_by_role("dialog").get_by_role("button", name="Remove").click()
    await expect(page.get_by_text("There is no calendar yet")).to_be_visible()


async def test_a_clock_is_made_moved_and_what_lives_by_it_is_done(page: Page, site: Site) -> None:
    await sign_in(page, site, to="/clocks")
    await press(page, "New clock")
    dialog = page.get_by_role("dialog")
    await dialog.get_by_label("Name").fill("world")
    await dialog.get_by_label("It shows at first").fill("noon")
    await press(page, "Make it")
    await expect(dialog.get_by_label("It shows at first")).to_have_attribute("aria-invalid", "true")
    await dialog.get_by_label("It shows at first").fill("2030-01-01T12:00:00Z")
    await press(page, "Make it")
    row = page.get_by_role("row").nth(1)
    await expect(row).to_contain_text("2030-01-01 13:00:00 CET")
    await expect(row).to_contain_text("no schedule")

    await add(site, "harvest", "--every", "1h", "--overlap", "allow", "--clock", "world")
    await expect(row.get_by_role("link", name="harvest")).to_be_visible()
    await press(page, "Advance world")
    await dialog.get_by_role("textbox", name="How far").fill("3h")
    await press(page, "Advance it")
    await expect(dialog.get_by_role("status")).to_contain_text("4 jobs were made")
    await dialog.get_by_text("To a moment").click()
    await dialog.get_by_label("To which moment").fill("2029-01-01T00:00:00Z")
    await press(page, "Advance it")
    await expect(dialog.get_by_label("To which moment")).to_have_attribute("aria-invalid", "true")
    await press(page, "Leave it")
    await expect(row).to_contain_text("2030-01-01 16:00:00 CET")
    await press(page, "Remove")
    await page.get_by_role("dialog").get_by_role("button", name="Remove").click()
    await expect(page.get_by_text("Not done")).to_be_visible()
