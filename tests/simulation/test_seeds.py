"""Many nodes, many faults, one loop: what is promised is kept, whatever the seed."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from tests.simulation.run import simulate
from tests.simulation.telling import failure

AT_ONCE = 5
"""Seeds of a test: a test has two minutes, of which 25 took more than one on a busy machine."""

SEEDS = 375

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("first", range(0, SEEDS, AT_ONCE))
def test_what_is_promised_is_kept(first: int) -> None:
    bad = [
        failure(verdict)
        for seed in range(first, first + AT_ONCE)
        if (verdict := simulate(seed)).findings
    ]
    assert not bad, "\n\n".join(bad)


def test_a_seed_gives_the_same_run_in_any_process() -> None:
    seed = 4711
    here = [simulate(seed).hash for _ in range(2)]
    there = [_hash_elsewhere(seed, hash_seed) for hash_seed in ("1", "2")]
    assert {*here, *there} == {here[0]}


def test_another_seed_gives_another_run() -> None:
    assert simulate(1).hash != simulate(2).hash


def test_every_kind_of_fault_and_end_comes_up() -> None:
    figures = sum((simulate(seed).figures for seed in range(20)), Counter())
    told = {name for name, count in figures.items() if count}
    assert {
        "fault crash", "fault stop", "fault halt", "fault cut_off", "fault outage",
        "fault set_node_clock", "fault set_database_clock", "fault suspend",
        "attempts succeeded", "attempts failed", "attempts lost", "attempts interrupted",
        "attempts snoozed", "attempts timed out", "attempts cancelled", "breakers opened",
        "keys refused", "expired", "workflows",
    } <= told  # fmt: skip


def _hash_elsewhere(seed: int, hash_seed: str) -> str:
    said = subprocess.run(
        [sys.executable, "-c",
         f"from tests.simulation.run import simulate; print(simulate({seed}).hash)"],
        cwd=ROOT, env={**os.environ, "PYTHONHASHSEED": hash_seed}, capture_output=True,
        check=True, text=True,
    )  # fmt: skip
    return said.stdout.strip()
