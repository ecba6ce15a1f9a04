"""Queues, limits, workers and the system as people see and steer them, on both engines."""

from __future__ import annotations

import re

import pytest
from playwright.async_api import Locator, Page, expect

from onbeat.domain.access import Role
from tests.ui.conftest import Site, sign_in

pytestmark = pytest.mark.timeout(600)


def row(page: Page, text: str) -> Locator:
    """The row of a table that says so."""
    return page.get_by_role("row").filter(has_text=text)


async def press(within: Page | Locator, name: str) -> None:
    """Press the button of that name."""
    await within.get_by_role("button", name=name, exact=True).click()


async def test_a_queue_is_paused_bounded_and_resumed_and_its_page_says_who_serves_it(
    page: Page, site: Site
) -> None:
    site.charge(1)
    await sign_in(page, site, to="/queues")
    billing = row(page, "billing")
    await press(billing, "Pause")
    await expect(billing).to_contain_text("paused by user:ann")
    site.charge(2)
    await expect(billing.get_by_role("cell").nth(1)).to_have_text("1")
    await press(billing, "billing")
    await expect(page).to_have_url(re.compile(r"queue=billing"))

    detail = page.get_by_role("region", name="Queue billing")
    await expect(detail).to_contain_text("Workers to begin all in 60 s")
    await expect(detail).to_contain_text("It was paused by user:ann")
    await expect(detail.get_by_role("link", name="charge")).to_be_visible()
    await expect(detail).to_contain_text("0 of 10 slots")
    await press(detail, "Set a limit")
    await page.get_by_label("At once").fill("3")
    await press(page.get_by_role("dialog"), "Set it")
    await expect(detail).to_contain_text("3 at once; 0 run under it")

    await press(billing, "Resume")
    await expect(billing).not_to_contain_text("paused by")
    await detail.get_by_role("link", name="All its jobs").click()
    await expect(page.get_by_role("combobox", name="Narrow the list")).to_have_value(
        "queue:billing"
    )


async def test_a_limit_is_set_by_hand_refused_at_its_field_changed_and_taken_away(
    page: Page, site: Site
) -> None:
    await sign_in(page, site, to="/limits")
    await expect(page.get_by_text("Nothing is limited")).to_be_visible()
    await press(page, "Bound a queue")
    dialog = page.get_by_role("dialog")
    await dialog.get_by_role("textbox", name="Queue").fill("api")
    await dialog.get_by_label("Rate").fill("much")
    await press(dialog, "Set it")
    await expect(dialog.get_by_text(re.compile("'much' is no"))).to_be_visible()
    await dialog.get_by_label("Rate").fill("100/min")
    await dialog.get_by_label("Burst").fill("20")
    await press(dialog, "Set it")

    api = row(page, "api").first
    await expect(api).to_contain_text("100/1m, burst 20")
    await expect(api).to_contain_text("set by user:ann")
    await press(api, "queue/api")
    await expect(page.get_by_text("No job holds it or waits for it.")).to_be_visible()
    await press(api, "Change queue/api")
    await dialog.get_by_label("At once").fill("5")
    await press(dialog, "Set it")
    await expect(api).to_contain_text("5 at once, 100/1m, burst 20")
    await press(api, "Remove")
    await press(dialog, "Remove")
    await expect(page.get_by_text("Nothing is limited")).to_be_visible()


async def test_a_breaker_is_opened_and_closed_and_a_rule_of_what_is_kept_set_and_removed(
    page: Page, site: Site
) -> None:
    await sign_in(page, site, to="/limits?tab=breakers")
    bank = row(page, "bank")
    await press(bank, "Open")
    await press(page.get_by_role("dialog"), "Open")
    await expect(bank.get_by_role("cell").nth(1)).to_contain_text("open")
    await expect(bank).to_contain_text("tries again")
    await press(bank, "Close")
    await expect(bank.get_by_role("cell").nth(1)).to_have_text("closed")

    await page.get_by_role("tab", name="What is kept").click()
    await expect(page).to_have_url(re.compile("tab=retention"))
    await press(page, "Set a rule")
    dialog = page.get_by_role("dialog")
    await dialog.get_by_label("Whose jobs").fill("task/charge")
    await dialog.get_by_label("Completed jobs").fill("soon")
    await press(dialog, "Set it")
    await expect(dialog.get_by_text(re.compile("'soon'"))).to_be_visible()
    await dialog.get_by_label("Completed jobs").fill("100,30d")
    await press(dialog, "Set it")
    charge = row(page, "task/charge")
    await expect(charge).to_contain_text("100,30d")
    await expect(charge).to_contain_text("user:ann")
    await press(charge, "Remove")
    await press(page.get_by_role("dialog"), "Remove")
    await expect(charge).to_have_count(0)


async def test_a_worker_is_paused_and_resumed_and_shows_what_it_runs(
    page: Page, site: Site
) -> None:
    site.run("jobs", "enqueue", "dawdle", "--app", "shop:ob")
    await sign_in(page, site, to="/workers")
    worker = row(page, "pid").first
    await expect(worker).to_contain_text("1 / 10")
    await worker.get_by_role("button").first.click()
    await expect(page.get_by_role("table", name=re.compile("Jobs of"))).to_contain_text("dawdle")

    await press(worker, "Pause")
    await press(page.get_by_role("dialog"), "Pause")
    await expect(worker).to_contain_text("paused")
    await press(worker, "Resume")
    await expect(worker).to_contain_text("at work")


async def test_a_service_is_paused_stopped_and_started_again(page: Page, site: Site) -> None:
    await sign_in(page, site, to="/workers?tab=services")
    scheduler = row(page, "scheduler")
    for does, stands in (("Pause", "paused"), ("Resume", "running"), ("Stop", "stopped"),
                         ("Start", "running"), ("Restart", "running")):  # fmt: skip
        await press(scheduler, does)
        if does in ("Pause", "Stop", "Restart"):
            await press(page.get_by_role("dialog"), does)
        await expect(scheduler.get_by_role("cell").nth(1)).to_have_text(stands)
        if stands != "running":
            await expect(page.get_by_text("No scheduler runs")).to_be_visible()
    await expect(row(page, "API").get_by_role("button", name="Stop")).to_be_disabled()
    await page.get_by_role("tab", name="Regions").click()
    await expect(page.get_by_text("No regions are set")).to_be_visible()


async def test_the_system_tells_its_health_what_the_doctor_finds_and_whether_the_store_is_sound(
    page: Page, site: Site
) -> None:
    site.charge(1)
    await sign_in(page, site, to="/system")
    await expect(row(page, "where all is kept")).to_contain_text("up")
    await page.get_by_role("tab", name="Doctor").click()
    await expect(page.get_by_role("table", name="What the doctor finds")).to_contain_text("schema")
    await page.get_by_role("tab", name="Settings").click()
    await expect(row(page, "ONBEAT_SECRET_KEY")).to_contain_text("***")
    await expect(page.get_by_text("a key of a test")).to_have_count(0)
    await page.get_by_role("tab", name="Database").click()
    await press(page, "Verify it")
    await expect(page.get_by_text("It is sound.")).to_be_visible(timeout=60_000)


async def test_a_viewer_sees_the_fleet_and_can_steer_none_of_it(page: Page, site: Site) -> None:
    site.add("vic", Role.VIEWER)
    site.charge(1)
    await sign_in(page, site, "vic", to="/queues?queue=billing")
    for path, names in (
        ("/queues?queue=billing", ("Pause", "Set a limit")),
        ("/limits", ("Bound a queue",)),
        ("/limits?tab=breakers", ("Open",)),
        ("/limits?tab=retention", ("Set a rule",)),
        ("/workers", ("Pause", "Stop")),
        ("/workers?tab=services", ("Pause", "Stop", "Restart")),
    ):
        await page.goto(f"{site.address}{path}")
        for name in names:
            button = page.get_by_role("button", name=name, exact=True).first
            await expect(button, f"{path}: {name}").to_be_disabled()
    await page.goto(f"{site.address}/system?tab=doctor")
    await expect(page.get_by_text("You lack database:read")).to_be_visible()
    for hidden in ("Audit", "Users", "Webhooks"):
        await expect(page.get_by_role("link", name=hidden)).to_have_count(0)
