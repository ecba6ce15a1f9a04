"""pytest finds the kit by itself in a user's project."""

from __future__ import annotations

from pathlib import Path

from tests.testing.projects import SHOP, run_pytest, write_project

ASYNC = """
import pytest
from shop import close_day, ob

@pytest.mark.asyncio
async def test_the_day_is_closed_each_night(onbeat_kit):
    async with onbeat_kit(ob, at="2027-03-26T12:00:00Z") as kit:
        await kit.advance("2d")
        assert kit.fired("close_day") == ["2027-03-27T00:30:00Z", "2027-03-28T00:30:00Z"]
"""

PLAIN = """
import pytest
from shop import charge, ob

@pytest.mark.parametrize("order", range(6))
def test_a_charge_is_done(onbeat_kit, order):
    with onbeat_kit(ob) as kit:
        charge.enqueue_blocking(order)
        kit.drain(raises=True)
        assert [job.state for job in kit.jobs(charge)] == ["completed"]
        assert order != 3, "this one fails"
"""


def test_a_project_needs_nothing_but_the_fixture_s_name(tmp_path: Path) -> None:
    write_project(tmp_path, {"shop.py": SHOP, "test_async.py": ASYNC})

    ran = run_pytest(tmp_path, "-n", "0")

    assert "1 passed" in ran.stdout, ran.stdout + ran.stderr


def test_a_test_that_fails_does_not_fail_the_next_nor_those_beside_it(tmp_path: Path) -> None:
    write_project(tmp_path, {"shop.py": SHOP, "test_plain.py": PLAIN, "test_async.py": ASYNC})

    ran = run_pytest(tmp_path, "-n", "2")

    assert "1 failed, 6 passed" in ran.stdout, ran.stdout + ran.stderr
    assert "this one fails" in ran.stdout
