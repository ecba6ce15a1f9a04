"""What is measured: each workload twice, by hand-written SQL and through Onbeat."""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Callable
from dataclasses import dataclass

from benchmarks.ceiling import postgres, sqlite

Run = Callable[[str, int], float]
"""Given the URL of an empty database and a number of jobs, the jobs a second that were reached."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Workload:
    name: str
    engine: str
    ceiling: Run
    floor: float
    """The least share of the ceiling that Onbeat should reach."""

    @property
    def product(self) -> Run | None:
        """The function of the same name in `benchmarks.product`, None while there is none."""
        if importlib.util.find_spec("benchmarks.product") is None:
            return None

        return getattr(importlib.import_module("benchmarks.product"), self.name, None)

    def __str__(self) -> str:
        return f"{self.engine} {self.name}"


WORKLOADS = [
    Workload(name="bulk_enqueue", engine="sqlite", ceiling=sqlite.bulk_enqueue, floor=0.5),
    Workload(name="drain", engine="sqlite", ceiling=sqlite.drain, floor=0.5),
    Workload(name="cron_dispatch", engine="sqlite", ceiling=sqlite.cron_dispatch, floor=0.44),
    Workload(name="bulk_enqueue", engine="postgres", ceiling=postgres.bulk_enqueue, floor=0.5),
    Workload(name="drain", engine="postgres", ceiling=postgres.drain, floor=0.5),
    Workload(name="cron_dispatch", engine="postgres", ceiling=postgres.cron_dispatch, floor=0.44),
]


def chosen(engine: str | None, name: str | None, *, ceiling_only: bool) -> list[Workload]:
    """The workloads that were asked for; without a product side only when the ceiling is enough."""
    return [
        workload
        for workload in WORKLOADS
        if engine in (None, workload.engine)
        and name in (None, workload.name)
        and (ceiling_only or workload.product is not None)
    ]
