"""The chaos run in short: a few hundred jobs, real processes, faults from a fixed seed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tests.chaos.run import Plan, Run
from tests.servers.postgres import launch

SHORT = Plan(
    jobs=200,
    seed=1,
    rate=100,
    longest=2.0,
    poison_every=200,
    shapes=("up", "worker"),
    faults_every=0.6,
)

SEEDS = (1, 2)

pytestmark = pytest.mark.timeout(420)


@pytest.mark.parametrize("seed", SEEDS)
async def test_a_run_on_sqlite_keeps_every_promise(tmp_path: Path, seed: int) -> None:
    url = f"sqlite:///{tmp_path / 'onbeat.db'}"

    verdict = await Run(replace(SHORT, seed=seed), url, tmp_path, None, lambda line: None).go()

    assert verdict.findings == [], verdict.figures
    assert verdict.faults.total() > 3


@pytest.mark.parametrize("seed", SEEDS)
async def test_a_run_on_postgresql_keeps_every_promise(tmp_path: Path, seed: int) -> None:
    with launch() as server:
        url = server.create_database("chaos")

        verdict = await Run(
            replace(SHORT, seed=seed), url, tmp_path, server, lambda line: None
        ).go()

    assert verdict.findings == [], verdict.figures
    assert verdict.faults.total() > 3
