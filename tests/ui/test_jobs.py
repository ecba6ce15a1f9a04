"""Finding jobs, doing something to one or to many, and seeing what one did, in a real browser."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from playwright.async_api import Browser, BrowserContext, Locator, Page, async_playwright, expect

from onbeat import Onbeat
from onbeat.app.options import read_options
from tests.servers.browser import NoBrowser, chromium
from tests.ui.axe import faults
from tests.ui.conftest import SEEN_ONCE, Site, sign_in

BIG = 12345678901234567890
HOSTILE = "<img src=x onerror=alert(1)>"
NAME = "<img/src=x/onerror=alert(3)>"

expect.set_options(timeout=20_000)  # a log comes through a worker and a live connection
pytestmark = pytest.mark.timeout(600)  # the first one builds the UI


async def ask(site: Site, task: str, count: int = 1, **said: Any) -> list[str]:
    """Ask for jobs; their ids."""
    args = json.dumps(said.pop("args", {}))
    options = read_options(**said)
    async with Onbeat(site.database) as ob:
        return [
            (await ob.jobs.enqueue(task, args, options, must_be_known=False)).id
            for _ in range(count)
        ]


def line_of(page: Page) -> Locator:
    """The line that narrows the list."""
    return page.get_by_role("combobox", name="Narrow the list")


async def seek(page: Page, line: str) -> None:
    """Narrow the list."""
    field = line_of(page)
    await field.fill(line)
    await field.press("Enter")


def rows(page: Page) -> Locator:
    """The jobs of the list, without its head."""
    return page.get_by_role("table", name="Jobs").locator("tbody tr")


async def test_jobs_are_found_by_words_that_are_offered_and_arguments_by_their_kind(
    page: Page, site: Site
) -> None:
    await ask(site, "charge", args={"order_id": 2, "note": "2"}, queue="billing", tags=["eu"])
    await ask(site, "charge", args={"order_id": 3, "note": HOSTILE}, queue="billing")
    await sign_in(page, site, to="/jobs")
    await expect(rows(page)).to_have_count(2)
    await expect(rows(page).filter(has_text=HOSTILE)).to_have_count(1)

    line = line_of(page)
    await line.fill("que")
    await page.get_by_role("option", name="queue:", exact=True).click()
    await page.get_by_role("option", name="queue:billing").click()
    await expect(line).to_have_value("queue:billing ")

    await seek(page, "queue:billing arg.order_id:2")
    await expect(rows(page)).to_have_count(1)
    await seek(page, 'arg.note:"2"')
    await expect(rows(page)).to_have_count(1)
    await seek(page, "arg.note:2")
    await expect(page.get_by_text("No job fits")).to_be_visible()

    await seek(page, "state:tired")
    await expect(page.get_by_text("tired is no state")).to_be_visible()
    assert page.url.endswith("arg=%5B%22note%3D2%22%5D")

    await page.get_by_role("button", name="Show all").last.click()
    row = rows(page).filter(has_text="#eu")
    await row.hover()
    await row.get_by_role("button", name="Only tag eu").click()
    await expect(line).to_have_value("tag:eu")
    await expect(rows(page)).to_have_count(1)
    await rows(page).get_by_role("button", name="Only task charge").click()
    await expect(line).to_have_value("task:charge tag:eu")


async def test_a_list_is_kept_as_a_view_and_taken_elsewhere(
    page: Page, site: Site, context: BrowserContext
) -> None:
    await context.grant_permissions(["clipboard-read", "clipboard-write"])
    site.charge(-1)
    await sign_in(page, site, to="/jobs")
    await page.get_by_role("button", name="Views").click()
    await page.get_by_role("menuitem", name="Failed in 24 h").click()
    await expect(rows(page)).to_have_count(1)
    await expect(line_of(page)).to_have_value("state:failed ended-since:24h sort:last-ended")

    await seek(page, 'state:failed error:"it\'s $HOME"')
    await page.get_by_role("button", name="Views").click()
    await page.get_by_role("menuitem", name="Save this filter…").click()
    await page.get_by_label("What it is called").fill("Lost <b>orders</b>")
    await page.get_by_role("button", name="Save", exact=True).click()
    await page.get_by_role("button", name="Share").click()
    await page.get_by_role("menuitem", name="Copy as a command line").click()
    await expect(page.get_by_text("Copied.")).to_be_visible()
    assert await page.evaluate("navigator.clipboard.readText()") == (
        "onbeat jobs ls --state failed --error 'it'\\''s $HOME'"
    )

    await page.goto(f"{site.address}/jobs?state=failed")
    await page.get_by_role("button", name="Share").click()
    async with page.expect_download() as downloading:
        await page.get_by_role("menuitem", name="Export as NDJSON").click()
    exported = (await (await downloading.value).path()).read_text()
    assert json.loads(exported)["args"]["order_id"] == -1

    await page.get_by_role("button", name="Views").click()
    await page.get_by_role("menuitem", name="Lost <b>orders</b>", exact=True).click()
    await expect(line_of(page)).to_have_value('state:failed error:"it\'s $HOME"')
    await page.get_by_role("button", name="Views").click()
    await page.get_by_role("menuitem", name="Forget Lost <b>orders</b>").click()
    await expect(page.get_by_role("menuitem", name="Lost")).to_have_count(0)


async def test_what_changes_is_changed_in_place_and_what_is_new_waits_until_asked_for(
    page: Page, site: Site
) -> None:
    [job] = await ask(site, "charge", args={"order_id": 1}, delay="1h")
    await sign_in(page, site, to="/jobs?state=scheduled")
    await expect(rows(page)).to_have_count(1)
    await ask(site, "charge", args={"order_id": 2}, delay="1h")
    await expect(page.get_by_role("button", name="1 new")).to_be_visible()
    await expect(rows(page)).to_have_count(1)

    site.run("jobs", "cancel", job)
    await expect(rows(page)).to_contain_text("cancelled")
    await page.get_by_role("button", name="1 new").click()
    await expect(rows(page)).to_have_count(1)
    await expect(rows(page)).to_contain_text('{"order_id":2}')


async def test_many_jobs_are_counted_first_and_then_changed_with_progress_and_a_stop(
    page: Page, site: Site
) -> None:
    await ask(site, "charge", 4, args={"order_id": 1}, delay="1h", tags=["few"])
    await sign_in(page, site, to="/jobs?tag=few")
    boxes = page.get_by_role("checkbox", name=re.compile("^Choose [0-9a-f]{32}$"))
    await boxes.nth(0).click()
    await boxes.nth(2).click(modifiers=["Shift"])
    chosen = page.get_by_role("region", name="Chosen jobs")
    await expect(chosen).to_contain_text("3 chosen")

    await chosen.get_by_role("button", name="Run failed ones again").click()
    await expect(page.get_by_text("None of them can be run again")).to_be_visible()
    await page.get_by_role("button", name="Leave it").click()
    await chosen.get_by_role("button", name="Cancel").click()
    dialog = page.get_by_role("dialog")
    await expect(dialog).to_contain_text("3 jobs will be cancelled")
    await dialog.get_by_label("Reason, for the record").fill("the wrong day")
    await dialog.get_by_role("button", name="Cancel").click()
    strip = page.get_by_role("status", name="Operation")
    await expect(strip).to_contain_text("completed: 3 of 3 jobs", timeout=20_000)
    await expect(rows(page).filter(has_text="the wrong day")).to_have_count(3)

    await ask(site, "charge", 1_100, args={"order_id": 1}, delay="1h", tags=["many"])
    await seek(page, "tag:many")
    await page.get_by_role("checkbox", name="Choose all on this page").click()
    await expect(chosen).to_contain_text("100 chosen")
    await chosen.get_by_role("button", name="Choose all that match this filter").click()
    await chosen.get_by_role("button", name="Cancel").click()
    await expect(dialog).to_contain_text("1,100 jobs will be cancelled")
    cancel = dialog.get_by_role("button", name="Cancel")
    await expect(cancel).to_be_disabled()
    await dialog.get_by_label("Type cancel to go on").fill("cancel")
    await cancel.click()
    await expect(strip).to_contain_text("1,100 of 1,100 jobs", timeout=60_000)

    await strip.get_by_role("link", name="Cancel").click()
    await expect(page.get_by_role("heading", name="Cancel")).to_be_visible()
    await expect(page.get_by_role("button", name="Stop")).to_be_disabled()
    await expect(page.get_by_text("user:ann").first).to_be_visible()
    await page.get_by_role("link", name="All operations").click()
    await page.goto(f"{site.address}/jobs")
    await page.get_by_role("link", name="Operations", exact=True).click()
    await expect(page.get_by_role("table", name="Operations").locator("tbody tr")).to_have_count(2)


async def test_hostile_lines_and_values_are_shown_exactly_and_as_text(
    page: Page, site: Site
) -> None:
    deep: Any = "bottom"
    for _ in range(60):
        deep = {"d": deep}
    says = [
        f"\x1b[31mred\x1b[0m {HOSTILE}",
        "bell\x07 and \u202eturned",
        "x" * 200_000,
        "two\nlines",
    ]
    [job] = await ask(site, "talk", args={"says": says, "times": 1, "stays_s": 0})
    await sign_in(page, site, to=f"/jobs/{job}")
    log = page.get_by_role("log")
    await expect(log).to_contain_text(f"red {HOSTILE}")
    await expect(log.locator(".ansi-red-fg").first).to_have_text("red")
    await expect(log).to_contain_text("bell\\u0007 and \\u202eturned")
    await log.get_by_role("button", name="more characters").click()

    await page.get_by_label("Search in the log").fill("turned")
    await expect(page.get_by_text("1/1")).to_be_visible()
    await page.get_by_text("errors", exact=True).click()
    await expect(page.get_by_text("0 of 4 lines")).to_be_visible()
    async with page.expect_download() as downloading:
        await page.get_by_role("button", name="Download").click()
    assert HOSTILE in (await (await downloading.value).path()).read_text()

    await page.get_by_role("tab", name="Result").click()
    await expect(page.get_by_label("result", exact=True)).to_contain_text("12345678901234567890123")
    await expect(page.get_by_label("result", exact=True)).to_contain_text(HOSTILE.replace("1", "2"))

    [strange] = await ask(site, NAME, args={"deep": deep, "big": BIG, "10": 1, "2": "***"})
    await page.goto(f"{site.address}/jobs/{strange}?tab=args")
    shown = page.get_by_label("arguments", exact=True)
    await expect(page.get_by_role("heading", level=1)).to_have_text(NAME)
    await expect(shown).to_contain_text(f"big: {BIG}")
    await expect(shown).to_contain_text("2: ••• (hidden)")
    await expect(shown).not_to_contain_text("bottom")
    await page.get_by_role("button", name="Open all").click()
    await expect(shown).to_contain_text('"bottom"')
    await expect(page.get_by_text("no worker here knows task").first).to_be_visible()


async def test_of_a_long_log_the_end_is_shown_and_all_of_it_is_searched(
    page: Page, site: Site
) -> None:
    [job] = await ask(site, "talk", args={"says": ["a line"], "times": 9_000})
    await sign_in(page, site, to=f"/jobs/{job}")
    await expect(page.get_by_role("log")).to_contain_text('{"number":8999}', timeout=60_000)
    await expect(page.get_by_text("9,000 of 9,000 lines")).to_be_visible()
    assert await page.locator(".log-line").count() < 200

    await page.get_by_label("Search in the log").fill('"number":765}')
    await page.get_by_label("Search in the log").press("Enter")
    await expect(page.locator(".log-line.hit")).to_contain_text('{"number":765}')


async def test_a_job_that_one_cancels_another_sees_stopped_with_its_last_lines(
    page: Page, site: Site, context: BrowserContext
) -> None:
    [job] = await ask(site, "talk", args={"says": ["hello"], "stays_s": 120})
    await sign_in(page, site, to=f"/jobs/{job}")
    await expect(page.get_by_role("log")).to_contain_text("hello")
    await expect(page.get_by_text("50 % half <b>way</b>")).to_be_visible()
    other = await context.new_page()
    await other.goto(f"{site.address}/jobs?state=running")
    await expect(rows(other)).to_contain_text("running")

    await page.get_by_role("button", name="Cancel").click()
    await page.get_by_role("dialog").get_by_role("button", name="Cancel").click()
    await expect(rows(other)).to_contain_text("cancelled", timeout=20_000)
    await page.get_by_role("tab", name="History").click()
    await expect(page.get_by_text("job.cancel")).to_be_visible()
    await expect(page.get_by_text("ago, by user:ann")).to_be_visible()
    await page.get_by_role("tab", name="Attempts").click()
    waits = page.get_by_role("table", name="Waits and runs of attempts")
    await expect(waits.locator("tbody tr")).to_have_count(1)
    await other.close()


async def test_another_like_it_is_asked_for_with_what_is_wrong_at_its_field(
    page: Page, site: Site
) -> None:
    [job] = await ask(site, "charge", args={"order_id": BIG, "note": HOSTILE}, queue="billing")
    await sign_in(page, site, to=f"/jobs/{job}")
    await page.get_by_role("button", name="Run another…").click()
    args = page.get_by_role("textbox", name="Arguments")
    await expect(args).to_have_value(re.compile(str(BIG)))
    await args.fill('{"order_id": 1,}')
    await expect(page.get_by_text("line 1, column 16")).to_be_visible()
    await args.fill(f'{{"order_id": {BIG}1, "order": 1}}')
    await page.get_by_role("button", name="Ask for it").click()
    await expect(page.get_by_text("charge has no such argument")).to_be_visible()
    await args.fill(f'{{"order_id": {BIG}1}}')
    await page.get_by_label("Priority").fill("11")
    await page.get_by_text("At", exact=True).click()
    await page.get_by_label("Not before").fill("tomorrow")
    await page.get_by_role("button", name="Ask for it").click()
    await expect(page.locator(".mantine-InputWrapper-error").first).to_be_visible()
    await page.get_by_label("Priority").fill("7")
    await page.get_by_label("Not before").fill("2199-01-04T08:00:00+01:00")
    await page.get_by_role("button", name="Ask for it").click()

    await expect(page.get_by_role("heading", level=1)).to_have_text("charge")
    await expect(page.get_by_text("scheduled").first).to_be_visible()
    await page.get_by_role("tab", name="Arguments").click()
    await expect(page.get_by_label("arguments", exact=True)).to_contain_text(f"order_id: {BIG}1")
    await page.get_by_role("button", name="Run now").click()
    await expect(page.get_by_text("completed").first).to_be_visible()


async def test_a_workflow_is_a_graph_that_leads_to_its_jobs_and_can_be_called_off(
    page: Page, site: Site
) -> None:
    async with Onbeat(site.database) as ob:
        flow = ob.workflow("import<b>")
        bind = ob.jobs.bind
        first = flow.add(bind("talk", '{"says": []}', must_be_known=False), label="fetch")
        slow = bind("talk", '{"says": [], "stays_s": 120}', must_be_known=False)
        second = flow.add(slow, label="clean", after=[first])
        last = flow.add(bind("talk", "{}", must_be_known=False), label="load", after=[second])
        await flow.start()
    await sign_in(page, site, to=f"/jobs/{last.id}")
    await page.get_by_role("link", name="import<b>").click()
    jobs = page.get_by_role("table", name="Jobs of the workflow")
    await expect(jobs.get_by_role("row").filter(has_text="fetch").first).to_contain_text(
        "completed"
    )
    await expect(jobs.get_by_role("row").filter(has_text="clean (success)")).to_contain_text("load")
    await expect(page.locator(".graph path")).to_have_count(2)

    await page.get_by_role("button", name="Cancel").click()
    await page.get_by_role("dialog").get_by_role("button", name="Cancel").click()
    await expect(page.get_by_text("cancelled").first).to_be_visible()
    await expect(page.get_by_text("3 of 3 jobs have ended")).to_be_visible(timeout=20_000)
    await page.locator(".graph").get_by_role("link", name="load").click()
    await expect(page.get_by_role("heading", name="talk")).to_be_visible()


@SEEN_ONCE
@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_a_job_and_what_is_done_to_many_can_be_used_by_everybody(
    browser: Browser, site: Site, scheme: Any
) -> None:
    """By the rules of axe-core, and on a small telephone."""
    [job] = await ask(site, "charge", args={"order_id": -1}, queue="billing")
    [talking] = await ask(site, "talk", args={"says": ["\x1b[31mred\x1b[0m"], "stays_s": 60})
    context = await browser.new_context(
        color_scheme=scheme, bypass_csp=True, viewport={"width": 360, "height": 740}
    )
    page = await context.new_page()
    await sign_in(page, site)
    found: list[str] = []
    tabs = [f"/jobs/{job}?tab={tab}" for tab in ("log", "attempts", "args", "result", "history")]
    for path in (*tabs, f"/jobs/{talking}", f"/new/job?from={job}"):
        await page.goto(f"{site.address}{path}")
        await expect(page.get_by_role("heading", level=1), path).to_be_visible()
        await page.wait_for_load_state("networkidle")
        found += [f"{path}: {each}" for each in await faults(page)]
        width = await page.evaluate("document.documentElement.scrollWidth")
        found += [f"{path}: {width} px"] if width > 360 else []
    await context.close()
    assert found == []


async def test_an_id_is_copied_also_where_the_page_came_over_plain_http(site: Site) -> None:
    """Browsers offer no clipboard there, unless the host is the own machine."""
    path = chromium()
    if isinstance(path, NoBrowser):
        pytest.skip(str(path))
    [job] = await ask(site, "charge", args={"order_id": 1})
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=path,
            args=["--no-sandbox", "--host-resolver-rules=MAP onbeat.test 127.0.0.1"],
        )
        page = await browser.new_page()
        await page.goto(f"http://onbeat.test:{site.port}/jobs/{job}")
        await page.get_by_label("Name").fill("ann")
        await page.locator("input[type=password]").fill("correct horse battery staple")
        await page.get_by_role("button", name="Sign in").click()
        assert await page.evaluate("navigator.clipboard") is None
        await page.get_by_role("button", name="Copy the id").click()
        await expect(page.get_by_text("Copied.")).to_be_visible()
        await page.goto(f"http://onbeat.test:{site.port}/jobs")
        await line_of(page).press("Control+V")
        await expect(line_of(page)).to_have_value(job)
        await browser.close()
