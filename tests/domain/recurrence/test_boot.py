"""The recurrence of a machine's starts: due once for each that was seen."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from onbeat.domain.recurrence import Boot, moments, recurrence_from_spec

SEEN_AT = datetime(2030, 1, 1, tzinfo=UTC)
SECOND = timedelta(seconds=1)


def test_before_a_start_is_seen_it_is_never_due() -> None:
    assert moments(Boot(seen="first"), SEEN_AT, 3) == []


def test_a_start_that_was_seen_is_one_moment() -> None:
    boot = Boot(seen="second", at=SEEN_AT)

    assert moments(boot, SEEN_AT - SECOND, 3) == [SEEN_AT]
    assert boot.next(SEEN_AT) is None


@pytest.mark.parametrize(
    "boot", [Boot(seen="a"), Boot(seen="a", host="web1"), Boot(seen="", at=SEEN_AT)]
)
def test_its_spec_gives_it_back(boot: Boot) -> None:
    assert recurrence_from_spec(boot.spec()) == boot


def test_it_says_whose_start_it_waits_for() -> None:
    assert Boot(seen="a").describe() == "each time the machine starts"
    assert Boot(seen="a", host="web1").describe() == "each time web1 starts"
