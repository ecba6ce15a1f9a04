"""The floors: Onbeat beside the raw ceiling, the same work done by hand-written SQL alone."""

from __future__ import annotations

import statistics
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from benchmarks import product
from benchmarks.ceiling import postgres, sqlite
from benchmarks.places import Places

Run = Callable[[str, int], float]
"""Given the URL of an empty database and a number of jobs, the jobs a second that were reached."""

Figures = dict[str, list[float]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Floor:
    """A workload done twice, and the least share of the ceiling that Onbeat should reach."""

    name: str
    engine: str
    ceiling: Run
    product: Run
    least: float

    def __str__(self) -> str:
        return f"{self.engine} {self.name}"


FLOORS = [
    Floor(
        name="bulk_enqueue",
        engine="sqlite",
        ceiling=sqlite.bulk_enqueue,
        product=product.bulk_enqueue,
        least=0.5,
    ),
    Floor(name="drain", engine="sqlite", ceiling=sqlite.drain, product=product.drain, least=0.5),
    Floor(
        name="cron_dispatch",
        engine="sqlite",
        ceiling=sqlite.cron_dispatch,
        product=product.cron_dispatch,
        least=0.44,
    ),
    Floor(
        name="bulk_enqueue",
        engine="postgres",
        ceiling=postgres.bulk_enqueue,
        product=product.bulk_enqueue,
        least=0.5,
    ),
    Floor(
        name="drain", engine="postgres", ceiling=postgres.drain, product=product.drain, least=0.5
    ),
    Floor(
        name="cron_dispatch",
        engine="postgres",
        ceiling=postgres.cron_dispatch,
        product=product.cron_dispatch,
        least=0.44,
    ),
]


def chosen(engine: str | None, names: Sequence[str]) -> list[Floor]:
    """The floors of an engine and of workloads; without either, all."""
    return [
        floor
        for floor in FLOORS
        if engine in (None, floor.engine) and (not names or floor.name in names)
    ]


def measure(
    floor: Floor, rounds: int, jobs: int, places: Places, tell: Callable[[str], object]
) -> dict[str, Any]:
    """Run both sides in turns; each side, and their ratio round by round."""
    figures: Figures = defaultdict(list)
    for number in range(1, rounds + 1):
        for side, run in (("ceiling", floor.ceiling), ("product", floor.product)):
            with places.empty(floor.engine) as url:
                figures[side].append(run(url, jobs))

            tell(f"{number}/{rounds} floor of {floor}: {side}: {figures[side][-1]:,.0f}/s")

    return summary(floor, figures)


def summary(floor: Floor, figures: Figures) -> dict[str, Any]:
    """What a floor came to."""
    pairs = zip(figures["product"], figures["ceiling"], strict=True)
    ratio = spread([product / ceiling for product, ceiling in pairs])
    return {
        "workload": floor.name,
        "engine": floor.engine,
        **{side: spread(values) for side, values in figures.items()},
        "ratio": ratio,
        "floor": floor.least,
        "below_floor": ratio["median"] < floor.least,
    }


def spread(values: list[float]) -> dict[str, Any]:
    median = statistics.median(values)
    return {"median": median, "min": min(values), "max": max(values), "rounds": values}
