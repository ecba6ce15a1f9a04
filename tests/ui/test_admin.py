"""Users, tokens, webhooks, the audit log, oneself, the first start and `/lite`, on both engines."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from playwright.async_api import Browser, BrowserContext, Page, expect

from onbeat.domain.access import Role
from tests.api.asking import PASSWORD
from tests.ui.conftest import Site, sign_in
from tests.ui.test_fleet import press, row

OTHER = "another horse of another battery"

pytestmark = pytest.mark.timeout(600)


async def kept(page: Page, name: str) -> str:
    """The secret of that name, from the window that shows it once."""
    shown = page.get_by_role("dialog", name=name, exact=True)
    text = await shown.get_by_role("textbox").input_value()
    await press(shown, "I have kept it")
    return text


async def test_a_user_is_added_comes_in_is_disabled_and_removed(
    page: Page, site: Site, browser: Browser
) -> None:
    await sign_in(page, site, to="/users")
    await press(page, "Add a user")
    dialog = page.get_by_role("dialog")
    await dialog.get_by_role("textbox", name="Name").fill("ann")
    await press(dialog, "Add")
    await expect(dialog.get_by_text("there is a user named 'ann' already")).to_be_visible()
    await dialog.get_by_role("textbox", name="Name").fill("bob")
    await dialog.get_by_role("textbox", name="Password").fill("short")
    await press(dialog, "Add")
    await expect(dialog.get_by_text(re.compile("12"))).to_have_count(2)  # the hint, and the error
    await dialog.get_by_label("Make one, and show it once").check()
    await dialog.get_by_label("jobs:arguments").check()
    await press(dialog, "Add")
    password = await kept(page, "Password")
    bob = row(page, "bob")
    await expect(bob).to_contain_text("and jobs:arguments")

    other = await browser.new_context()
    theirs = await other.new_page()
    await theirs.goto(site.address)
    await theirs.get_by_label("Name").fill("bob")
    await theirs.locator("input[type=password]").fill(password)
    await press(theirs, "Sign in")
    await expect(theirs.get_by_role("heading", name="Overview")).to_be_visible()
    await press(bob, "Change bob")
    await dialog.get_by_role("combobox", name="Role").select_option("operator")
    await press(dialog, "Save")
    await expect(bob).to_contain_text("operator", timeout=20_000)
    await press(bob, "Disable")
    await press(dialog, "Disable")
    await expect(bob).to_contain_text("disabled")
    await theirs.goto(f"{site.address}/jobs")
    await expect(theirs.get_by_role("button", name="Sign in")).to_be_visible()
    await other.close()

    await press(bob, "Enable")
    await expect(bob.get_by_text("disabled")).to_have_count(0)
    await press(bob, "Remove")
    await press(dialog, "Remove")
    await expect(bob).to_have_count(0)
    await press(row(page, "admin"), "Remove")
    await press(dialog, "Remove")
    await expect(page.get_by_text("no admin would be left")).to_be_visible()


async def test_a_token_is_shown_once_lets_a_program_in_and_is_revoked(
    page: Page, site: Site, context: BrowserContext
) -> None:
    await sign_in(page, site, to="/tokens")
    await press(page, "Make a token")
    dialog = page.get_by_role("dialog")
    await dialog.get_by_label("What it is for").fill("ci")
    await press(dialog, "Make it")
    await expect(dialog.get_by_text(re.compile("at least 1"))).to_be_visible()
    await dialog.get_by_label("jobs:read").check()
    await dialog.get_by_role("combobox", name="Good for").select_option("7")
    await press(dialog, "Make it")
    await context.grant_permissions(["clipboard-read", "clipboard-write"])
    await press(page, "Copy")
    await expect(page.get_by_text("Copied")).to_be_visible()
    token = await kept(page, "Token")
    assert await page.evaluate("navigator.clipboard.readText()") == token

    ci = row(page, "ci")
    await expect(ci).to_contain_text("never")
    headers = {"Authorization": f"Bearer {token}"}
    asked = await context.request.get(f"{site.address}/api/v1/jobs", headers=headers)
    assert asked.ok
    await page.reload()
    await expect(ci).to_contain_text("ago by ann")
    assert token not in await page.content()
    await page.get_by_role("tab", name="Everybody's").click()
    await expect(ci).to_contain_text("ann")
    await press(ci, "Revoke")
    await press(dialog, "Revoke")
    await expect(ci).to_contain_text("revoked")
    await expect(ci.get_by_role("button", name="Revoke")).to_be_disabled()
    asked = await context.request.get(f"{site.address}/api/v1/jobs", headers=headers)
    assert asked.status == 401


@pytest.fixture
def receiver() -> Iterator[tuple[str, list[bytes]]]:
    """Somebody who hears of webhooks: where, and what came."""
    heard: list[bytes] = []

    class Hears(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            heard.append(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"thanks")

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Hears)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/hook", heard
    server.shutdown()
    server.server_close()


async def test_a_webhook_is_made_pinged_changed_given_another_secret_and_removed(
    page: Page, site: Site, receiver: tuple[str, list[bytes]]
) -> None:
    address, heard = receiver
    await sign_in(page, site, to="/webhooks")
    await press(page, "Make a webhook")
    dialog = page.get_by_role("dialog")
    await dialog.get_by_label("Address").fill("nowhere")
    await dialog.get_by_label("Whose jobs").fill("olga")
    await press(dialog, "Make it")
    await expect(dialog.locator(".mantine-InputWrapper-error")).to_be_visible()
    await dialog.get_by_label("Address").fill(address)
    await dialog.get_by_label("job.failed").check()
    await press(dialog, "Make it")
    secret = await kept(page, "Secret")
    assert secret.startswith("whsec_")

    hook = row(page, address)
    await expect(hook).to_contain_text("failed")
    await press(hook, address)
    await press(hook, "Ping")
    deliveries = page.get_by_role("table", name="Deliveries")
    await expect(deliveries).to_contain_text("200 delivered", timeout=30_000)
    await press(deliveries, "Send again")
    await expect(deliveries.get_by_role("row")).to_have_count(3, timeout=30_000)
    assert len(heard) == 2
    await press(hook, "New secret")
    await press(dialog, "New secret")
    assert await kept(page, "Secret") not in ("", secret)
    await press(hook, f"Change {address}")
    await dialog.get_by_label("job.completed").check()
    await press(dialog, "Save")
    await expect(hook).to_contain_text("completed, failed")
    await press(hook, "Turn off")
    await press(dialog, "Turn off")
    await expect(hook.get_by_role("button", name="Ping")).to_be_disabled()
    await press(hook, "Remove")
    await press(dialog, "Remove")
    await expect(page.get_by_text("There is no webhook")).to_be_visible()


async def test_the_audit_log_tells_what_was_changed_into_what_and_is_narrowed_by_its_address(
    page: Page, site: Site
) -> None:
    site.add("vic", Role.VIEWER)
    site.run("users", "edit", "vic", "--role", "operator")
    site.run("queues", "pause", "billing")
    await sign_in(page, site, to="/audit")
    await page.get_by_label("Action").fill("user.change")
    await press(page, "Narrow")
    await expect(page).to_have_url(re.compile(r"action=user\.change"))
    await expect(page.get_by_role("row")).to_have_count(2)
    await expect(row(page, "user vic")).to_contain_text("viewer → operator")
    await page.reload()
    await expect(page.get_by_label("Action")).to_have_value("user.change")

    async with page.expect_download() as download:
        await page.get_by_role("link", name="Export NDJSON").click()
    file = await (await download.value).path()
    assert file.read_text().count('"action":"user.change"') == len(file.read_text().splitlines())
    await page.get_by_label("Since").fill("soon")
    await press(page, "Narrow")
    await expect(page.locator(".mantine-InputWrapper-error")).to_be_visible()
    await press(page, "Show all")
    await expect(row(page, "queue.pause")).to_be_visible()


async def test_one_changes_ones_password_theme_and_zone_and_goes_on_where_one_was(
    page: Page, site: Site, context: BrowserContext
) -> None:
    await sign_in(page, site)
    await press(page, "ann")
    await page.get_by_role("menuitem", name="You").click()
    await page.get_by_text("Dark", exact=True).click()
    await expect(page.locator("html")).to_have_attribute("data-mantine-color-scheme", "dark")
    fields = [page.get_by_role("textbox", name=name, exact=True) for name in
              ("The one you have", "The new one", "The new one once more")]  # fmt: skip
    for field, text in zip(fields, ("wrong horse battery staple", OTHER, OTHER), strict=True):
        await field.fill(text)
    await press(page, "Change it")
    await expect(page.get_by_text("it is not your password")).to_be_visible()
    await fields[0].fill(PASSWORD)
    await fields[2].fill(f"{OTHER}x")
    await press(page, "Change it")
    await expect(page.get_by_text("The two are not the same")).to_be_visible()
    await fields[2].fill(OTHER)
    await press(page, "Change it")
    await expect(page.get_by_text("Your password is changed")).to_be_visible()
    await page.get_by_role("link", name="Queues").click()
    await expect(page.get_by_role("heading", name="Queues")).to_be_visible()

    await context.clear_cookies()
    await page.get_by_role("link", name="Workers").click()
    await expect(page.get_by_text("Your sign-in is over")).to_be_visible()
    await page.get_by_label("Name").fill("ann")
    await page.locator("input[type=password]").fill(OTHER)
    await press(page, "Sign in")
    await expect(page.get_by_role("heading", name="Workers")).to_be_visible()


async def test_who_sees_rows_of_their_own_alone_has_the_pages_of_those_and_no_others(
    page: Page, site: Site
) -> None:
    site.add("olga", Role.OWNER)
    await sign_in(page, site, "olga", to="/tokens")
    await expect(page.get_by_text("There is no token")).to_be_visible()
    await expect(page.get_by_role("tab", name="Everybody's")).to_have_count(0)
    await page.get_by_role("link", name="Webhooks").click()
    await press(page, "Make a webhook")
    await expect(page.get_by_label("Whose jobs")).to_have_count(0)
    for hidden in ("Users", "Audit", "System", "Limits"):
        await expect(page.get_by_role("link", name=hidden, exact=True)).to_have_count(0)
    await page.goto(f"{site.address}/new/schedule")
    await press(page, "Its jobs: queue, priority, time, what is kept")
    await expect(page.get_by_label("Kept of failed jobs")).to_be_visible()
    for refused in ("Queue", "Priority", "By the clock", "Each may take"):
        await expect(page.get_by_label(refused, exact=True)).to_have_count(0)


async def test_the_link_of_the_first_start_leads_to_an_admin_and_into_the_ui_once(
    browser: Browser, bare: Site
) -> None:
    bare.start()
    assert bare.setup is not None
    page = await browser.new_page()
    await page.goto(bare.address)
    await expect(page.get_by_text("Nobody can sign in yet")).to_be_visible()
    await page.goto(f"{bare.address}/api/v1/setup#token=onb_set_of_another_start")
    for link, told in ((None, "open the link that the last start printed"), (bare.setup, "")):
        if link is not None:
            await page.goto("about:blank")
            await page.goto(link)
        await page.get_by_label("Name").fill("ann")
        for name in ("Password", "Password once more"):
            await page.get_by_label(name, exact=True).fill(PASSWORD)
        await press(page, "Make the admin")
        if told:
            await expect(page.get_by_role("alert")).to_contain_text(told)
    await page.get_by_role("link", name="Open Onbeat").click()
    await expect(page.get_by_role("heading", name="Overview")).to_be_visible()
    await page.goto("about:blank")
    await page.goto(bare.setup)
    await expect(page.get_by_text("of no use any more")).to_be_visible()
    await page.get_by_role("link", name="signs in to Onbeat").click()
    await expect(page.get_by_role("button", name="ann")).to_be_visible()
    await page.close()


async def test_lite_works_without_javascript_from_the_sign_in_to_the_sign_out(
    browser: Browser, site: Site
) -> None:
    site.charge(1)
    context = await browser.new_context(
        java_script_enabled=False, viewport={"width": 360, "height": 740}
    )
    page = await context.new_page()
    await page.goto(f"{site.address}/lite")
    await page.get_by_label("Name").fill("ann")
    await page.get_by_label("Password").fill("wrong")
    await press(page, "Sign in")
    await expect(page.get_by_role("alert")).to_contain_text("the name or the password is wrong")
    await page.get_by_label("Name").fill("ann")
    await page.get_by_label("Password").fill(PASSWORD)
    await press(page, "Sign in")

    await expect(page.get_by_role("heading", name="Queues")).to_be_visible()
    await expect(row(page, "completed").first).to_contain_text("1")
    await expect(row(page, "hourly-report")).to_contain_text("UTC")
    await expect(page.get_by_text("at work")).to_be_visible()
    await press(page, "Sign out")
    await expect(page.get_by_label("Password")).to_be_visible()
    await context.close()
