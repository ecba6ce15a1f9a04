"""What people see and do in the UI, in a real browser, against a real process, on both engines."""

from __future__ import annotations

import pytest
from playwright.async_api import Browser, BrowserContext, Page, expect

from onbeat.domain.access import Role
from tests.api.asking import PASSWORD
from tests.ui.axe import faults_of
from tests.ui.conftest import SEEN_ONCE, Site, sign_in

PAGES = (
    "/",
    "/jobs",
    "/schedules",
    "/schedules/hourly-report",
    "/new/schedule",
    "/queues",
    "/workers",
    "/alerts",
    "/queues?queue=billing",
    "/limits",
    "/limits?tab=breakers",
    "/limits?tab=retention",
    "/workers?tab=services",
    "/workers?tab=regions",
    "/audit",
    "/users",
    "/tokens",
    "/webhooks",
    "/me",
    "/system",
    "/system?tab=doctor",
    "/system?tab=database",
    "/system?tab=settings",
    "/lite",
    "/new/job",
    "/operations",
    "/alerts/rules",
    "/alerts/rules?edit=failure-rate",
    "/alerts/channels",
    "/alerts/channels?new=yes",
    "/alerts/silences",
    "/alerts/silences?new=yes",
    "/alerts/notices",
    "/alerts/noise",
    "/reports",
    "/edit/schedule/hourly-report",
    "/calendar",
    "/calendar?view=day",
    "/calendar?view=workdays",
    "/clocks",
)

pytestmark = pytest.mark.timeout(600)  # the first one builds the UI, and may install Chromium


async def test_who_signs_in_wrongly_is_told_and_who_does_rightly_comes_in(
    page: Page, site: Site
) -> None:
    await page.goto(site.address)
    await page.get_by_label("Name").fill("ann")
    await page.locator("input[type=password]").fill("wrong")
    await page.get_by_role("button", name="Sign in").click()
    await expect(page.get_by_role("alert")).to_contain_text("the name or the password is wrong")

    await page.locator("input[type=password]").fill(PASSWORD)
    await page.get_by_role("button", name="Sign in").click()
    await expect(page.get_by_role("heading", name="Overview")).to_be_visible()
    await expect(page.get_by_text("All is well")).to_be_visible()


async def test_a_job_that_fails_comes_by_itself_says_why_and_is_run_again(
    page: Page, site: Site
) -> None:
    await sign_in(page, site, to="/jobs")
    await expect(page.get_by_text("No job fits")).to_be_visible()

    site.charge(-7, note="<img src=x onerror=alert(1)>")
    row = page.get_by_role("row").filter(has_text="charge")
    await expect(row).to_contain_text("failed")
    await expect(row).to_contain_text("<img src=x onerror=alert(1)>")

    await row.get_by_role("link").click()
    await expect(page.get_by_text("ValueError: there is no order -7").first).to_be_visible()
    await page.get_by_role("button", name="Run again").click()
    await expect(page.get_by_text("Attempt 1: failed")).to_have_count(2)
    await page.get_by_role("tab", name="Log").click()
    await expect(page.get_by_role("log")).to_contain_text('charging {"order":-7}')


async def test_the_address_says_what_a_list_is_narrowed_to(page: Page, site: Site) -> None:
    for number in (1, 2, -3):
        site.charge(number)
    await sign_in(page, site, to="/jobs")
    line = page.get_by_role("combobox", name="Narrow the list")
    await line.fill("task:charge arg.order_id:2")
    await line.press("Enter")
    await expect(page.get_by_role("row")).to_have_count(2)

    await page.reload()
    await expect(line).to_have_value("task:charge arg.order_id:2")
    await expect(page.get_by_role("row")).to_have_count(2)
    await line.fill("colour:red")
    await line.press("Enter")
    await expect(page.get_by_text("colour: there is no such word")).to_be_visible()


async def test_a_schedule_is_seen_before_it_is_made_and_what_is_refused_stands_at_its_field(
    page: Page, site: Site
) -> None:
    await sign_in(page, site, to="/new/schedule")
    when = page.get_by_label("When")
    await when.fill("61 * * * *")
    await expect(page.get_by_text("61 in minute is out of range")).to_be_visible()
    await when.fill("30 2 * * sun")
    await expect(page.get_by_text("at 02:30 on Sunday (Europe/Paris)")).to_be_visible()

    await page.get_by_label("Name").fill("nightly/charge")
    await page.locator("input.mantine-Select-input").first.click()
    await page.get_by_role("option", name="charge").click()
    await page.get_by_label("Arguments").fill('{"order": 1}')
    await page.get_by_role("button", name="Schedule it").click()
    await expect(page.get_by_text("charge has no such argument")).to_be_visible()

    await page.get_by_label("Arguments").fill('{"order_id": 1}')
    await page.get_by_role("button", name="Schedule it").click()
    await expect(page.get_by_role("heading", name="nightly/charge")).to_be_visible()
    await page.get_by_role("button", name="Run now").click()
    await expect(page.get_by_text("A job was made.")).to_be_visible()


async def test_a_viewer_sees_all_and_can_press_nothing(page: Page, site: Site) -> None:
    site.add("vic", Role.VIEWER)
    site.charge(1)
    await sign_in(page, site, "vic", to="/queues")
    await expect(page.get_by_role("button", name="Pause", exact=True).first).to_be_disabled()
    await page.goto(f"{site.address}/schedules/hourly-report")
    await expect(page.get_by_role("button", name="Run now")).to_be_disabled()


async def test_who_is_signed_out_elsewhere_signs_in_again_on_the_same_page(
    page: Page, site: Site, context: BrowserContext
) -> None:
    await sign_in(page, site, to="/queues")
    await context.clear_cookies()
    await expect(page.get_by_role("button", name="Sign in")).to_be_visible(timeout=30_000)
    await page.get_by_label("Name").fill("ann")
    await page.locator("input[type=password]").fill(PASSWORD)
    await page.get_by_role("button", name="Sign in").click()
    await expect(page.get_by_role("heading", name="Queues", level=1)).to_be_visible()
    assert page.url == f"{site.address}/queues"


async def test_a_server_that_goes_and_comes_back_is_followed_again(page: Page, site: Site) -> None:
    await sign_in(page, site, to="/jobs")
    await expect(page.get_by_text("Live", exact=True)).to_be_visible()
    site.stop()
    await expect(page.get_by_text("Reconnecting")).to_be_visible()
    site.start()
    await expect(page.get_by_text("Live", exact=True)).to_be_visible(timeout=60_000)
    site.charge(1)
    await expect(page.get_by_role("row").filter(has_text="charge")).to_contain_text("completed")


@SEEN_ONCE
@pytest.mark.parametrize("part", range(3))
async def test_every_page_can_be_used_by_everybody(browser: Browser, site: Site, part: int) -> None:
    """By the rules of axe-core: WCAG 2.2, levels A and AA; in the light and in the dark."""
    site.charge(-1)
    context = await browser.new_context(bypass_csp=True, reduced_motion="reduce")
    page = await context.new_page()
    await sign_in(page, site)
    found: list[str] = []
    for path in PAGES[part::3]:
        found += await faults_of(page, site.address, path)
    await context.close()
    assert found == []


@SEEN_ONCE
async def test_what_can_be_done_is_at_hand_on_a_small_telephone(
    browser: Browser, site: Site
) -> None:
    site.charge(-1, note="a note that is too long for so small a screen" * 3)
    context = await browser.new_context(viewport={"width": 360, "height": 740})
    page = await context.new_page()
    await sign_in(page, site, to="/jobs")
    failed = page.get_by_role("row").filter(has_text="failed")
    for seen in (
        page.get_by_role("button", name="ann", exact=True),
        failed.get_by_role("link", name="charge"),
        failed.get_by_role("checkbox"),
        failed.locator("time").last,
    ):
        await expect(seen).to_be_in_viewport(ratio=1)
    await page.goto(f"{site.address}/queues")
    billing = page.get_by_role("row").filter(has_text="billing")
    await billing.get_by_role("button", name="Pause").click()
    await expect(billing).to_contain_text("paused by")
    await expect(billing.get_by_role("button", name="Resume")).to_be_in_viewport(ratio=1)
    await context.close()


@SEEN_ONCE
async def test_a_list_fits_a_small_laptop_however_long_its_arguments_are(
    page: Page, site: Site
) -> None:
    site.charge(1, note="x" * 400)
    await sign_in(page, site, to="/jobs")
    await expect(page.get_by_role("columnheader", name="Ended")).to_be_in_viewport(ratio=1)
    await expect(page.get_by_role("row").locator("time").last).to_be_in_viewport(ratio=1)


@SEEN_ONCE
async def test_nothing_is_wider_than_a_small_telephone(browser: Browser, site: Site) -> None:
    site.charge(-1)
    context = await browser.new_context(viewport={"width": 360, "height": 740})
    page = await context.new_page()
    await sign_in(page, site)
    widths = {}
    for path in PAGES:
        await page.goto(f"{site.address}{path}")
        await expect(page.get_by_role("heading", level=1), path).to_be_visible()
        widths[path] = await page.evaluate("document.documentElement.scrollWidth")
    await context.close()
    assert {path: width for path, width in widths.items() if width > 360} == {}
