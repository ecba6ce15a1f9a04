"""Tests without an event loop have the same verbs."""

from __future__ import annotations

import threading

import pytest

from onbeat import State
from onbeat.testing.errors import KitError
from onbeat.testing.opening import Kits
from tests.testing.conftest import PRODUCTION, BankDown, Shop


def test_time_passes_for_a_plain_test(onbeat_kit: Kits, shop: Shop) -> None:
    with onbeat_kit(shop.ob, at="2027-03-27T00:00:00Z") as kit:
        kit.takes("tidy", "10m")
        kit.advance("1d")

        assert kit.fired("close_day") == ["2027-03-27T00:30:00Z"]
        assert kit.jobs("tidy")[-1].state is State.RUNNING
        assert kit.run_of(kit.jobs("close_day")[0]).log == ["closing"]
    assert shop.ob.url == PRODUCTION


def test_a_plain_test_sees_what_failed_and_what_died(onbeat_kit: Kits, shop: Shop) -> None:
    charge = shop.ob.task(name="charge_now")(_charge)
    with onbeat_kit(shop.ob) as kit:
        job = charge.enqueue_blocking(1)
        with pytest.raises(BankDown):
            kit.drain(raises=True)

        kit.crash_at("job-ended")
        job = charge.enqueue_blocking(2)
        kit.drain()
        assert kit.crashed == ["job-ended"]
        kit.advance("1m")
        assert kit.run_of(job).outcomes == ["lost", "succeeded"]
        assert job.result_blocking() == 2


def test_a_plain_test_has_downtimes(onbeat_kit: Kits, shop: Shop) -> None:
    with onbeat_kit(shop.ob, at="2027-03-27T00:00:00Z") as kit:
        with kit.downtime():
            kit.advance("3h")
            assert kit.jobs("close_day") == []

        assert [each.outcome for each in kit.ledger("close_day")] == ["late"]
        assert kit.now.hour == 3


def test_to_wait_for_what_cannot_come_is_an_error_in_a_plain_test(
    onbeat_kit: Kits, shop: Shop
) -> None:
    charge = shop.ob.task(name="charge_now")(_charge)
    with onbeat_kit(shop.ob):
        job = charge.enqueue_blocking(2)
        with pytest.raises(KitError, match=r"kit\.drain\(\)"):
            job.result_blocking()


def test_a_plain_test_that_fails_leaves_nothing_behind(onbeat_kit: Kits, shop: Shop) -> None:
    before = set(threading.enumerate())
    with pytest.raises(LookupError):
        _fail_within(onbeat_kit, shop)

    assert set(threading.enumerate()) == before
    assert shop.ob.url == PRODUCTION


def _fail_within(onbeat_kit: Kits, shop: Shop) -> None:
    with onbeat_kit(shop.ob) as kit:
        kit.takes("mail", "1h")
        shop.ob.task(name="charge_now")(_charge).enqueue_blocking(1)
        kit.drain()
        raise LookupError("the test's own")


def _charge(order: int) -> int:
    if order == 1:
        raise BankDown
    return order
