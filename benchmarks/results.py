"""What a run came to: figures by subject and round, ratios taken within a round, targets."""

from __future__ import annotations

import json
import statistics
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.workloads import MEASURES, TARGETS, Target

Rounds = list[float | None]
"""One figure of one subject, by round; None where it was not measured."""


@dataclass(frozen=True)
class Verdict:
    """A target, what was reached, and whether that is enough."""

    target: Target
    reached: float | None
    """None when it was to be measured and could not be."""

    @property
    def is_met(self) -> bool:
        """Ratios are to be reached, figures of their own are to be kept under."""
        if self.reached is None:
            return False

        return (
            self.reached >= self.target.wanted
            if self.target.peer
            else self.reached < self.target.wanted
        )

    @property
    def wanted_text(self) -> str:
        """What is wanted, with its unit."""
        if self.target.peer:
            return f"at least {self.target.wanted:g}"

        return f"under {self.target.wanted:g} {MEASURES[self.target.measure].unit}"

    @property
    def reached_text(self) -> str:
        """What was reached, with its unit."""
        if self.reached is None:
            return "not measured"
        if self.target.peer:
            return f"{self.reached:.2f}"

        return f"{self.reached:.1f} {MEASURES[self.target.measure].unit}"

    def __str__(self) -> str:
        target = self.target
        what = f"{target.product} over {target.peer}" if target.peer else target.product
        figures = f"{self.reached_text}, wanted {self.wanted_text}"
        verdict = "met" if self.is_met else "MISSED"
        return f"{MEASURES[target.measure].title}, {what}: {figures}: {verdict}"


@dataclass
class Results:
    """All that is written to the JSON file."""

    machine: dict[str, Any]
    jobs: int
    rounds: int
    is_whole: bool = True
    """Whether all was to be measured: then a target that could not be judged is not met."""
    subjects: dict[str, dict[str, str]] = field(default_factory=dict)
    figures: dict[str, dict[str, Rounds]] = field(default_factory=dict)
    not_run: list[dict[str, str]] = field(default_factory=list)
    floors: list[dict[str, Any]] = field(default_factory=list)

    def add(self, subject: str, measure: str, number: int, value: float) -> None:
        """Keep a figure of the round `number`, from 0."""
        rounds = self.figures.setdefault(subject, {}).setdefault(measure, [None] * self.rounds)
        rounds[number] = value

    def of_round(self, subject: str, measure: str, number: int) -> float | None:
        """A figure of one round."""
        rounds = self.figures.get(subject, {}).get(measure)
        return rounds[number] if rounds else None

    def median(self, subject: str, measure: str) -> float | None:
        """The median of the rounds, None when it was never measured."""
        values = present(self.figures.get(subject, {}).get(measure, []))
        return statistics.median(values) if values else None

    def ratios(self, measure: str, product: str, peer: str) -> list[float]:
        """Product over peer, by round, of the rounds in which both were measured."""
        pairs = zip(
            self.figures.get(product, {}).get(measure, []),
            self.figures.get(peer, {}).get(measure, []),
            strict=False,
        )
        return [ours / theirs for ours, theirs in pairs if ours and theirs]

    def verdicts(self) -> list[Verdict]:
        """Every target of a whole run; of a part those that could be judged."""
        judged = [Verdict(target, self._reached(target)) for target in TARGETS]
        return [one for one in judged if self.is_whole or one.reached is not None]

    def _reached(self, target: Target) -> float | None:
        if target.peer is None:
            return self.median(target.product, target.measure)

        ratios = self.ratios(target.measure, target.product, target.peer)
        return statistics.median(ratios) if ratios else None

    @property
    def is_good(self) -> bool:
        """Whether no target and no floor was missed."""
        return all(verdict.is_met for verdict in self.verdicts()) and not any(
            floor["below_floor"] for floor in self.floors
        )

    def write(self, path: Path) -> None:
        """Write it as JSON, the verdicts too."""
        judged = [
            asdict(verdict.target) | {"reached": verdict.reached, "is_met": verdict.is_met}
            for verdict in self.verdicts()
        ]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps({**asdict(self), "targets": judged}, indent=2) + "\n")

    @classmethod
    def read(cls, path: Path) -> Results:
        """Read what `write` wrote."""
        content = json.loads(path.read_text())
        content.pop("targets")
        return cls(**content)


def present(values: Rounds) -> list[float]:
    return [value for value in values if value is not None]
