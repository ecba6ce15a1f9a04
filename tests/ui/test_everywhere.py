"""What works on every page: the palette, keys, pausing, zones, and a server that is not heard."""

from __future__ import annotations

import pytest
from playwright.async_api import Page, expect

from tests.ui.conftest import SEEN_ONCE, Site, sign_in
from tests.waiting import wait_for

pytestmark = pytest.mark.timeout(600)


async def test_anything_is_reached_by_a_few_letters(page: Page, site: Site) -> None:
    await sign_in(page, site)
    await page.keyboard.press("Control+k")
    await page.get_by_label("Go to").fill("hourly")
    await expect(page.get_by_role("button", name="hourly-report").first).to_be_visible()
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("heading", name="hourly-report", level=1)).to_be_visible()

    await page.get_by_role("button", name="Go anywhere").click()
    await page.get_by_label("Go to").fill("work")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("heading", name="Workers", level=1)).to_be_visible()

    await page.keyboard.press("Control+k")
    await page.get_by_label("Go to").fill("no such thing")
    await expect(page.get_by_text("Nothing is called so")).to_be_visible()


async def test_a_job_is_found_and_opened_without_a_mouse(page: Page, site: Site) -> None:
    site.charge(1)
    site.charge(2)
    await sign_in(page, site)
    await page.keyboard.press("g")
    await page.keyboard.press("j")
    await expect(page.get_by_role("heading", name="Jobs", level=1)).to_be_visible()
    await expect(page.get_by_role("row")).to_have_count(3)

    await page.keyboard.press("/")
    await page.keyboard.type("g j task:charge arg.order_id:2")  # who writes presses no keys
    await page.keyboard.press("Home")
    for _ in range(4):
        await page.keyboard.press("Delete")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("row")).to_have_count(2)
    await page.get_by_role("heading", name="Jobs", level=1).click()
    await page.keyboard.press("j")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("heading", name="charge", level=1)).to_be_visible()


async def test_the_sheet_says_which_key_does_what_and_they_do_it(page: Page, site: Site) -> None:
    await sign_in(page, site, to="/schedules/hourly-report")
    await page.keyboard.press("?")
    await expect(page.get_by_role("dialog", name="Keys")).to_contain_text("dark or light")
    await page.keyboard.press("Escape")
    await expect(page.get_by_role("dialog", name="Keys")).to_be_hidden()

    html = page.locator("html")
    before = await html.get_attribute("data-mantine-color-scheme")
    await page.keyboard.press("t")
    await expect(html).not_to_have_attribute("data-mantine-color-scheme", before or "")
    chosen = page.get_by_label("Zone of moments").locator("input:checked")
    await expect(chosen).to_have_value("mine")
    await page.keyboard.press("z")
    await expect(chosen).to_have_value("UTC")


async def test_what_is_not_there_says_where_its_like_are(page: Page, site: Site) -> None:
    await sign_in(page, site, to=f"/jobs/{'0' * 32}")
    await expect(page.get_by_role("heading", level=1)).to_have_text(f"No job {'0' * 32}")
    await expect(page.get_by_role("button", name="Try again")).to_have_count(0)
    await page.get_by_role("link", name="To Jobs").click()
    await expect(page.get_by_role("heading", name="Jobs", level=1)).to_be_visible()


async def test_what_is_paused_stands_still_until_it_goes_on(page: Page, site: Site) -> None:
    await sign_in(page, site, to="/jobs")
    await expect(page.get_by_text("Live", exact=True)).to_be_visible()
    await page.keyboard.press("p")
    await expect(page.get_by_text("Paused", exact=True)).to_be_visible()
    site.charge(1)
    # The server has it: were the page told of it, it would be here with the same answer.
    answer = await page.request.get(f"{site.address}/api/v1/jobs?task=charge")
    assert len((await answer.json())["data"]) == 1
    await expect(page.get_by_role("row").filter(has_text="charge")).to_have_count(0)

    await page.keyboard.press("p")
    await expect(page.get_by_role("row").filter(has_text="charge")).to_have_count(1)


async def test_who_sees_old_things_is_told_of_when_they_are(page: Page, site: Site) -> None:
    await sign_in(page, site, to="/queues")
    await expect(page.get_by_text("Live", exact=True)).to_be_visible()
    site.stop()
    await expect(page.get_by_role("status")).to_contain_text("What is shown is of 20")
    await expect(page.get_by_role("heading", name="Queues", level=1)).to_be_visible()
    site.start()
    await expect(page.get_by_text("Live", exact=True)).to_be_visible(timeout=60_000)
    await expect(page.get_by_role("status")).to_be_hidden()


@SEEN_ONCE
async def test_a_server_that_is_away_is_said_once_where_much_is_asked_of_it(
    page: Page, site: Site
) -> None:
    site.charge(1)
    await sign_in(page, site)
    await expect(page.get_by_label("Next up")).to_be_visible()
    await page.get_by_role("link", name="Jobs").click()
    await expect(page.get_by_role("row").filter(has_text="charge")).to_have_count(1)
    failed: list[str] = []
    page.on("requestfailed", lambda request: failed.append(request.url.split("/api/v1")[-1]))
    site.stop()
    await page.get_by_role("link", name="Overview").click()
    parts = ("/incidents", "/schedules", "/reports")

    async def all_failed() -> bool:
        return all(any(each.startswith(part) for each in failed) for part in parts)

    await wait_for(all_failed, 60, "each part of the page was asked for in vain")
    await expect(page.get_by_role("alert")).to_have_count(1)
    await expect(page.get_by_label("Next up")).to_be_visible()
    site.start()
    await page.get_by_role("button", name="Try again").click()
    await expect(page.get_by_role("alert")).to_have_count(0)


@SEEN_ONCE
async def test_what_is_pointed_at_says_when_exactly_until_escape(page: Page, site: Site) -> None:
    site.charge(1)
    await sign_in(page, site, to="/jobs")
    asked = page.get_by_role("row").nth(1).locator("time").first
    hint = page.get_by_role("tooltip")
    await asked.hover()
    await expect(hint).to_contain_text("(Europe/Paris)")
    await expect(hint).to_contain_text("UTC")
    await expect(asked).to_have_attribute("aria-describedby", "hint")
    await page.keyboard.press("Escape")
    await expect(hint).to_have_count(0)

    await page.get_by_role("button", name="Only task charge").focus()
    await expect(hint).to_have_text("Only this")
    await page.get_by_role("heading", name="Jobs").hover()
    await expect(hint).to_have_count(0)


@SEEN_ONCE
async def test_a_job_of_the_list_opens_in_place_or_in_a_tab_of_its_own(
    page: Page, site: Site
) -> None:
    site.charge(1)
    await sign_in(page, site, to="/jobs")
    await page.evaluate("window.isTheSame = true")
    link = page.get_by_role("row").nth(1).get_by_role("link", name="charge")
    async with page.context.expect_page() as opened:
        await link.click(modifiers=["ControlOrMeta"])
    other = await opened.value
    await expect(other.get_by_role("heading", name="charge", level=1)).to_be_visible()
    await other.close()

    await link.click()
    await expect(page.get_by_role("heading", name="charge", level=1)).to_be_visible()
    assert await page.evaluate("window.isTheSame")
