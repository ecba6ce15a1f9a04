"""Incidents, what opens them and who is told of them, reports, and the overview, in a browser."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.async_api import Locator, Page, expect

from onbeat.domain.access import Role
from tests.outbound.receivers import always, receiving
from tests.ui.conftest import Site, sign_in
from tests.waiting import wait_for

pytestmark = pytest.mark.timeout(600)

ROUND = 60_000
"""Milliseconds within which a failed job has become an incident, a figure, a notice."""

ENDED = re.compile(r"\d jobs completed, 1 failed")
"""What a plot shows; at the full hour a job runs that nobody here asked for."""

FAILED = "task charge: a job failed for good"


async def failed(page: Page, site: Site, to: str = "/alerts") -> Locator:
    """The row of the incident that a failed job opened, at an address of the list."""
    site.charge(-7)
    await sign_in(page, site, to=to)
    return await incident_of(page)


async def ailing(page: Page, site: Site, name: str = "ann") -> Locator:
    """The same, of a job that failed before: no history has to be folded first."""
    site.ail("charge")
    await sign_in(page, site, name, "/alerts")
    return await incident_of(page)


async def incident_of(page: Page) -> Locator:
    """Its row, once it is there."""
    row = page.get_by_role("row").filter(has_text=FAILED)
    await expect(row).to_be_visible(timeout=ROUND)
    return row


def button(where: Page | Locator, name: str) -> Locator:
    """The button of exactly that name."""
    return where.get_by_role("button", name=name, exact=True)


async def test_an_incident_is_narrowed_to_seen_to_put_off_noted_and_resolved(
    page: Page, site: Site
) -> None:
    row = await failed(page, site)
    await page.get_by_label("Severity").select_option("critical")
    await expect(page.get_by_text("No incident fits")).to_be_visible()
    await page.get_by_label("Severity").select_option("warning")
    await page.get_by_label("Called").fill("charge")
    await page.get_by_label("Called").press("Enter")
    await page.get_by_label("Together").select_option("rule")
    await page.reload()
    assert "severity=warning" in page.url
    await expect(page.get_by_role("heading", name="failed 1")).to_be_visible()
    await button(row, "Acknowledge").click()
    await expect(row).to_contain_text("acknowledged by ann")
    await expect(button(row, "Acknowledge")).to_be_disabled()

    await row.get_by_role("link", name=FAILED).click()
    await expect(page.get_by_role("heading", level=1)).to_contain_text(FAILED)
    await expect(page.get_by_text("there is no order -7")).to_be_visible()
    await expect(page.get_by_text("onbeat jobs ls --state failed --task charge")).to_be_visible()
    await page.get_by_label("Note").fill("<b>the bank is down</b>")
    await button(page, "Add").click()
    await expect(page.get_by_text("<b>the bank is down</b>")).to_be_visible()
    await button(page, "Snooze").click()
    await page.get_by_label("For how long").select_option("4h")
    await button(page, "Snooze it").click()
    await expect(page.get_by_text("snoozed by ann").first).to_be_visible()
    await expect(page.get_by_text("in 4 h").first).to_be_visible()
    await button(page, "Resolve").click()
    await expect(page.get_by_text("resolved by ann").first).to_be_visible()
    await expect(button(page, "Resolve")).to_be_disabled()

    await page.goto(f"{site.address}/alerts")
    await expect(page.get_by_text("All is well")).to_be_visible()
    await page.get_by_label("State").select_option("resolved")
    await expect(row).to_contain_text("resolved by ann")


async def test_a_viewer_sees_what_is_wrong_and_can_press_nothing_of_it(
    page: Page, site: Site
) -> None:
    site.add("vic", Role.VIEWER)
    row = await ailing(page, site, "vic")
    for name in ("Acknowledge", "Snooze", "Resolve"):
        await expect(button(row, name)).to_be_disabled()
    await expect(page.get_by_role("link", name="Channels")).to_have_count(0)
    await page.goto(f"{site.address}/alerts/rules?edit=failed")
    await expect(button(page, "Save it")).to_be_disabled()
    await page.goto(f"{site.address}/reports")
    await page.get_by_label("Named").fill("charge")
    await expect(button(page, "Set it")).to_be_disabled()


async def test_a_rule_is_tried_on_the_past_made_changed_switched_off_and_removed(
    page: Page, site: Site
) -> None:
    for order in (-1, -2, 3):
        site.charge(order)
    await sign_in(page, site, to="/alerts/rules")
    await page.get_by_role("button", name="New rule").click()
    await page.get_by_label("Name").fill("half of it")
    await page.get_by_label("Which share").fill("2")
    await button(page, "Make it").click()
    await expect(page.get_by_text("less than or equal to 1")).to_be_visible()

    await page.get_by_label("Which share").fill("0")
    await button(page, "Try it").click()
    await expect(page.get_by_text("it holds always")).to_be_visible()
    await page.get_by_label("Which share").fill("0.5")
    await page.get_by_label("Of at least so many").fill("2")

    async def found() -> bool:
        await button(page, "Try it").click()
        await expect(page.get_by_text("nothing was made")).to_be_visible()
        return await page.get_by_text("It would have opened once.").is_visible()

    await wait_for(found, 60, "the trial knows of what failed")
    await page.get_by_label("Name").fill("half-fails")
    await page.get_by_label("Tasks").fill("charge, mail.*")
    await button(page, "Make it").click()
    row = page.get_by_role("row").filter(has_text="half-fails")
    await expect(row).to_contain_text("50 %, of at least 2, within 1h · tasks charge, mail.*")

    await row.get_by_role("link").click()
    await page.get_by_label("Severity").select_option("critical")
    await button(page, "Save it").click()
    await expect(row).to_contain_text("critical")
    on = row.get_by_label("half-fails is on")
    await on.press("Space")
    await expect(on).not_to_be_checked()
    await page.get_by_label("Find").fill("half")
    await page.get_by_label("Find").press("Enter")
    await expect(page.get_by_role("row")).to_have_count(2)
    await button(row, "Remove").click()
    await button(page.get_by_role("dialog"), "Remove").click()
    await expect(page.get_by_text("No rule fits")).to_be_visible()


async def test_a_channel_is_added_tried_changed_and_removed_and_never_says_where_it_leads(
    page: Page, site: Site
) -> None:
    await sign_in(page, site, to="/alerts")
    await expect(page.get_by_text("Nobody is told of incidents: no channel is set")).to_be_visible()
    await page.get_by_role("alert").get_by_role("link", name="Channels").click()
    await page.get_by_role("link", name="Add a channel").click()
    await page.get_by_label("Name", exact=True).fill("hook")
    await page.get_by_label("By what it tells").select_option("email")
    await expect(page.get_by_label("To", exact=True)).to_be_visible()
    await page.get_by_label("By what it tells").select_option("webhook")
    await page.get_by_label("URL", exact=True).fill("ftp://example.com")
    await button(page, "Add it").click()
    await expect(page.get_by_label("URL", exact=True)).to_have_attribute("aria-invalid", "true")

    async with receiving() as well, receiving(always(500)) as ill:
        await page.get_by_label("URL", exact=True).fill(well.url(path="/to/nobody-knows"))
        await page.get_by_label("Tags", exact=True).fill("shop, !test")
        await button(page, "Add it").click()
        await expect(page.get_by_text("whsec_")).to_be_visible()
        await page.get_by_role("link", name="All channels").last.click()
        row = page.get_by_role("row").filter(has_text="hook")
        await expect(row).to_contain_text("warning and worse · tags shop, !test")
        await expect(page.get_by_text("whsec_")).to_have_count(0)
        await button(row, "Send test").click()
        await expect(page.get_by_role("status")).to_contain_text("hook took it, answered 200")
        assert [each.path for each in well.came] == ["/to/nobody-knows"]

        await row.get_by_role("link", name="hook").click()
        await page.get_by_label("Repeat while nobody sees to it").fill("often")
        await button(page, "Save it").click()
        repeat = page.get_by_label("Repeat while nobody sees to it")
        await expect(repeat).to_have_attribute("aria-invalid", "true")
        await repeat.fill("2h")
        await page.get_by_label("URL", exact=True).fill(ill.url())
        await button(page, "Save it").click()
        await button(row, "Send test").click()
        await expect(page.get_by_role("status")).to_contain_text("hook did not take it")

    assert "nobody-knows" not in await page.content()
    await button(row, "Off").click()
    await button(page.get_by_role("dialog"), "Off").click()
    await expect(row).to_contain_text("by hand")
    await button(row, "On").click()
    await expect(button(row, "Off")).to_be_visible()
    await button(row, "Remove").click()
    await button(page.get_by_role("dialog"), "Remove").click()
    await expect(page.get_by_text("Nobody is told anything")).to_be_visible()


async def test_what_a_channel_was_told_is_on_record_is_sent_again_and_counted_as_noise(
    page: Page, site: Site
) -> None:
    async with receiving() as receiver:
        site.run("channels", "add", "ops", "webhook", "--url", receiver.url(),
                 "--group-wait", "0s", "--group-interval", "0s", "--gap", "0s")  # fmt: skip
        await failed(page, site, to="/alerts/notices?state=sent")
        row = page.get_by_role("row").filter(has_text=FAILED)
        await row.get_by_role("link", name="opening").click()
        attempts = page.get_by_role("table", name="Attempts")
        await expect(attempts.get_by_role("row").nth(1)).to_contain_text("200")
        await expect(page.get_by_text("thanks")).to_be_visible()

        await button(row, "Send again").click()
        await expect(attempts.get_by_role("row").nth(2)).to_contain_text("200", timeout=ROUND)
        assert len({each.headers["webhook-id"] for each in receiver.came}) == 1

        await page.get_by_role("link", name=FAILED).click()
        await expect(page.get_by_text("was sent to ops")).to_be_visible()
        await page.goto(f"{site.address}/alerts/noise")
        noise = page.get_by_role("row").filter(has_text="failed")
        await expect(noise.filter(has_text="1 (100 %)")).to_contain_text("ops 1")
        await page.get_by_label("Within").select_option("30d")
        assert page.url.endswith("window=30d")


async def test_a_silence_says_what_it_covers_before_it_is_made_and_is_ended(
    page: Page, site: Site
) -> None:
    row = await ailing(page, site)
    await row.get_by_role("link", name=FAILED).click()
    await page.get_by_role("link", name="Silence this").click()
    await expect(page.get_by_role("link", name=FAILED)).to_be_visible()
    await page.get_by_label("Names of what they are of").fill("ship*")
    await expect(page.get_by_text("No incident that is open now")).to_be_visible()
    await page.get_by_label("Rules").fill("fialed")
    await expect(page.get_by_text("fialed", exact=False)).to_be_visible()
    await page.get_by_label("Rules").fill("failed")
    await page.get_by_label("Names of what they are of").fill("charge")

    await page.get_by_text("Again and again").click()
    await page.get_by_label("Each time begins at").fill("0 2 * * sun")
    await expect(page.get_by_text("at 02:00 on Sunday (Europe/Paris)")).to_be_visible()
    await page.get_by_text("From now").click()
    await page.get_by_label("For how long").fill("soon")
    await button(page, "Silence it").click()
    lasts = page.get_by_label("For how long")
    await expect(lasts).to_have_attribute("aria-invalid", "true")
    await lasts.fill("2h")
    await page.get_by_label("Reason").fill("a deploy")
    await button(page, "Silence it").click()

    made = page.get_by_role("row").filter(has_text="rules failed · names charge")
    await expect(made).to_contain_text("holds")
    await expect(made).to_contain_text("a deploy")
    await button(made, "End now").click()
    await button(page.get_by_role("dialog"), "End now").click()
    await expect(page.get_by_text("Nothing is silenced")).to_be_visible()
    await page.get_by_label("Which").select_option("yes")
    await expect(made).to_contain_text("over")


async def test_a_report_is_of_a_window_sorted_exported_and_held_against_objectives(
    page: Page, site: Site, tmp_path: Path
) -> None:
    for order in (1, 2, -3):
        site.charge(order)
    await sign_in(page, site, to="/reports")
    row = page.get_by_role("table", name="Figures by task").get_by_role("row").nth(1)

    async def counted() -> bool:
        await page.reload()
        await expect(page.get_by_role("heading", name="Objectives")).to_be_visible()
        await expect(page.get_by_text("beside the same time before")).to_be_visible()
        return await row.filter(has_text="66.7 %").is_visible()

    await wait_for(counted, 60, "the report has counted them")
    await expect(row).to_contain_text("charge")
    await page.get_by_text("24 h", exact=True).click()
    await button(page.get_by_role("columnheader", name="Failed"), "Failed").click()
    assert "window=24h" in page.url
    assert "sort=-failed" in page.url
    await expect(page.get_by_role("img", name=ENDED)).to_be_visible()
    await page.get_by_text("As a table").last.click()
    plotted = page.get_by_role("table", name=ENDED)
    await expect(plotted.get_by_role("row").nth(1)).to_contain_text("1")
    await expect(page.get_by_text("ValueError: there is no order -3")).to_be_visible()

    async with page.expect_download() as coming:
        await page.get_by_role("link", name="CSV").click()
    await (await coming.value).save_as(tmp_path / "report.csv")
    assert "charge" in (tmp_path / "report.csv").read_text()

    await page.get_by_label("Named").fill("charge")
    await page.get_by_label("Target").fill("2")
    await button(page, "Set it").click()
    await expect(page.get_by_label("Target")).to_have_attribute("aria-invalid", "true")
    await page.get_by_label("Target").fill("0.9")
    await button(page, "Set it").click()
    objective = page.get_by_role("table", name="Objectives").get_by_role("row").nth(1)
    await expect(objective).to_contain_text("90 % of 30d")
    await expect(objective).to_contain_text("overdrawn")
    await button(objective, "Remove").click()
    await button(page.get_by_role("dialog"), "Remove").click()
    await expect(page.get_by_text("Nobody has set one")).to_be_visible()

    await page.get_by_text("Queues", exact=True).last.click()
    await expect(page.get_by_role("table", name="Figures by queue")).to_contain_text("billing")


async def test_the_overview_begins_with_how_to_begin_and_says_then_how_all_stands(
    page: Page, site: Site
) -> None:
    await sign_in(page, site)
    await expect(page.get_by_role("status")).to_contain_text("All is well.")
    await expect(page.get_by_role("heading", name="In Python")).to_be_visible()
    await expect(page.get_by_text(f"curl {site.address}/api/v1/jobs")).to_be_visible()

    site.charge(-7)
    await expect(page.get_by_role("heading", name="In Python")).to_have_count(0)
    await expect(page.get_by_role("status")).to_contain_text(
        "1 warning incident; otherwise all is well.", timeout=ROUND
    )
    await expect(page.get_by_role("link", name=FAILED)).to_be_visible()
    await expect(page.get_by_role("table", name="Next up")).to_contain_text("hourly-report")
    plot = page.get_by_role("img", name=ENDED)
    await expect(plot).to_be_visible(timeout=ROUND)
    await expect(page.get_by_text(re.compile("^1. in charge"))).to_be_visible()
    await page.get_by_text("6 h", exact=True).click()
    await expect(plot).to_be_visible()
    assert page.url.endswith("window=6h")

    await page.get_by_role("link", name=re.compile(r"^(0|50) %$")).click()
    await expect(page.get_by_role("row").filter(has_text="charge")).to_contain_text("failed")
