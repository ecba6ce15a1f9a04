"""Pages of single things, and pages of a fleet in trouble, as people see them."""

from __future__ import annotations

import sqlite3
from typing import Any

import pytest
from playwright.async_api import Browser, Page, expect

from onbeat import Onbeat
from onbeat.domain.access import Role
from tests.ui.axe import faults_of
from tests.ui.conftest import SEEN_ONCE, Site, sign_in
from tests.waiting import wait_until

pytestmark = pytest.mark.timeout(600)  # the first one builds the UI

BREAKER = "breaker bank is open while 1 job waits"


@pytest.fixture
def troubled(bare: Site, monkeypatch: pytest.MonkeyPatch) -> Site:
    """A queue is paused, a breaker open, a region without a worker, an index gone."""
    monkeypatch.setenv("ONBEAT_REGIONS", "us=billing,eu=billing-eu")
    bare.add("ann", Role.ADMIN)
    bare.start()
    first(bare, "/workers")  # where jobs are sent depends on which workers are heard of
    bare.ask("POST", "/breakers/bank/open", json={})
    bare.ask("POST", "/jobs", json={"task": "dawdle"})

    def is_held() -> bool:
        (bank,) = bare.ask("GET", "/breakers").json()["data"]
        return bool(bank["waiting"])

    wait_until(is_held, 60, "the job waits for the breaker")  # and not for the queue
    bare.ask("POST", "/queues/billing/pause")
    bare.charge(1)
    with sqlite3.connect(bare.database.removeprefix("sqlite:///")) as connection:
        connection.execute("DROP INDEX onbeat_ready_by_job")
    return bare


def first(site: Site, path: str) -> dict[str, Any]:
    """The first that the API lists, as soon as there is one."""
    listed: list[dict[str, Any]] = []

    def is_there() -> bool:
        listed[:] = site.ask("GET", path).json()["data"]
        return bool(listed)

    wait_until(is_there, 60, path)
    return listed[0]


@SEEN_ONCE
async def test_what_is_in_trouble_is_told_where_one_looks_first_and_mended_from_there(
    browser: Browser, troubled: Site
) -> None:
    context = await browser.new_context()
    page = await context.new_page()
    await sign_in(page, troubled)
    status = page.get_by_role("status")
    await expect(status).to_contain_text("billing is paused while 1 job waits")
    await expect(status).to_contain_text(BREAKER)
    await page.get_by_role("link", name="bank").click()
    await page.get_by_role("button", name="Close", exact=True).click()
    await page.get_by_role("link", name="Overview").click()
    await expect(status).not_to_contain_text(BREAKER)
    await page.get_by_role("link", name="billing", exact=True).first.click()
    await page.get_by_role("button", name="Resume").click()
    await expect(page.get_by_text("It was paused by")).to_have_count(0)

    await page.goto(f"{troubled.address}/workers?tab=regions")
    await expect(page.get_by_role("region", name="Region us")).to_contain_text("takes jobs")
    await expect(page.get_by_role("region", name="Region eu")).to_contain_text("no worker")

    await page.goto(f"{troubled.address}/system?tab=doctor")
    await expect(page.get_by_text("1 wrong")).to_be_visible()
    await page.get_by_role("button", name="Repair").click()
    await page.get_by_role("dialog").get_by_role("button", name="Repair").click()
    await expect(page.get_by_text("Nothing is wrong")).to_be_visible(timeout=30_000)
    await context.close()


@SEEN_ONCE
async def test_single_things_and_troubles_can_be_used_by_everybody(
    browser: Browser, troubled: Site
) -> None:
    """By the rules of axe-core, in the light and in the dark; and on a small telephone."""
    troubled.ask("POST", "/queues/billing/resume")
    troubled.charge(-1)
    incident = first(troubled, "/incidents")["id"]
    troubled.ask("POST", "/queues/billing/pause")
    troubled.charge(1)
    troubled.ask("POST", "/operations", json={"action": "redrive", "where": {"task": ["charge"]}})
    async with Onbeat(troubled.database) as ob:
        flow = ob.workflow("import")
        bind = ob.jobs.bind
        fetch = flow.add(bind("talk", '{"says": []}', must_be_known=False), label="fetch")
        flow.add(bind("talk", "{}", must_be_known=False), label="load", after=[fetch])
        await flow.start()
    operation = first(troubled, "/operations")["id"]
    workflow = first(troubled, "/workflows")["id"]
    context = await browser.new_context(
        bypass_csp=True, reduced_motion="reduce", viewport={"width": 360, "height": 740}
    )
    page = await context.new_page()
    await sign_in(page, troubled)
    found: list[str] = []
    for path in (
        f"/operations/{operation}", f"/workflows/{workflow}", f"/alerts/incidents/{incident}",
        "/", "/alerts", "/workers?tab=regions", "/limits?tab=breakers", "/system?tab=doctor",
        "/queues?queue=billing", f"/jobs/{'0' * 32}",
    ):  # fmt: skip
        found += await faults_of(page, troubled.address, path)
        found += await too_wide(page, path)
    await context.close()
    assert found == []


async def too_wide(page: Page, path: str) -> list[str]:
    """Whether the page is wider than the telephone."""
    width = await page.evaluate("document.documentElement.scrollWidth")
    return [f"{path}: {width} px"] if width > 360 else []
