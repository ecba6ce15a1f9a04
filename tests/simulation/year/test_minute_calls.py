"""Functions called by a minute cron, with faults and overlaps, lose nothing, whatever the seed."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from functools import cache

import pytest

from tests.simulation.run import Verdict
from tests.simulation.telling import failure
from tests.simulation.year.host import FATES
from tests.simulation.year.stretch import Wanted, simulate

AUTUMN = datetime(2031, 10, 25, 22, tzinfo=UTC)
"""The clocks of Europe go back in the night to come."""

SPRING = datetime(2031, 3, 9, 4, tzinfo=UTC)
"""Those of New York go forward in three hours."""

MINUTES = 45


def _wanted(seed: int) -> Wanted:
    """A few hours in which more goes wrong than in months."""
    begin = AUTUMN if seed % 2 else SPRING
    return Wanted(seed, begin, MINUTES, gap_every=25, roughness=4)


SEEDS = range(3)


@cache
def _verdict(seed: int) -> Verdict:
    return simulate(_wanted(seed))


@pytest.mark.parametrize("seed", SEEDS)
def test_a_call_a_minute_with_faults_and_overlaps_loses_nothing(seed: int) -> None:
    verdict = _verdict(seed)

    assert not verdict.findings, failure(verdict)


def test_every_kind_of_fault_and_outcome_comes_up() -> None:
    figures = sum((_verdict(seed).figures for seed in SEEDS), Counter())

    assert {
        *(f"calls: {fate}" for fate in FATES), "minutes without a call", "calls that overlap",
        "attempts failed", "attempts lost", "jobs completed",
        "moments ran", "moments late", "moments coalesced", "moments skipped", "moments missed",
    } <= {name for name, count in figures.items() if count}  # fmt: skip


def test_a_seed_gives_the_same_calls_again() -> None:
    first, second = (simulate(Wanted(7, SPRING, 5, roughness=4)).hash for _ in range(2))

    assert first == second
