"""Whether everybody can use a page: the rules of axe-core, WCAG 2.2, levels A and AA."""

from __future__ import annotations

import json

from playwright.async_api import Page, expect

from tests.ui.building import ROOT

AXE = ROOT / "ui" / "node_modules" / "axe-core" / "axe.min.js"
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
COLORS = {"type": "rule", "values": ["color-contrast"]}
"""All by which the dark differs from the light."""


async def faults(page: Page, rules: object = RULES) -> list[str]:
    """What it finds on the page that is shown, each with the first element that it finds it of."""
    await page.add_script_tag(path=AXE)
    told = await page.evaluate(f"axe.run({{runOnly: {json.dumps(rules)}}})")
    return [
        f"{each['id']}: {each['nodes'][0]['html'][:200]}: {each['help']}"
        for each in told["violations"]
    ]


async def faults_of(page: Page, address: str, path: str) -> list[str]:
    """What it finds at an address, in the light and in the dark."""
    await page.emulate_media(color_scheme="light")
    await page.goto(f"{address}{path}")
    await expect(page.get_by_role("heading", level=1), path).to_be_visible()
    await page.wait_for_load_state("networkidle")
    found = [f"{path}: {each}" for each in await faults(page)]
    await page.emulate_media(color_scheme="dark")
    if path != "/lite":
        await page.locator("html[data-mantine-color-scheme=dark]").wait_for()
    return found + [f"{path}, dark: {each}" for each in await faults(page, COLORS)]
