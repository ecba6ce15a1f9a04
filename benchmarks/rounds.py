"""The rounds: every subject does the same thing right after the other, again and again.

In turns, because a machine's speed drifts: a ratio is taken within a round, never across rounds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress

from tests.servers.postgres import ServerFailed

from benchmarks.driver import DriverFailed
from benchmarks.environments import CannotSetUp, Environment
from benchmarks.places import Places
from benchmarks.results import Results
from benchmarks.sessions import Bench, Session
from benchmarks.subjects import Subject
from benchmarks.workloads import MEASURES, Workload

Tell = Callable[[str], object]


class Rounds:
    """Runs workloads of subjects and fills results; says what it does."""

    def __init__(self, results: Results, places: Places, tell: Tell) -> None:
        self._results = results
        self._places = places
        self._tell = tell
        self._environments: dict[str, Environment] = {}
        self._failed: set[tuple[str, str]] = set()

    def prepare(self, subjects: Sequence[Subject]) -> None:
        """Make every environment first, so that no download runs beside a measurement."""
        for subject in subjects:
            self._tell(f"preparing {subject.name}")
            try:
                self._environments[subject.name] = subject.environment()
            except CannotSetUp as error:
                self._leave_out(subject, "everything", str(error))
            else:
                about = {
                    "version": subject.version,
                    "settings": subject.settings,
                    "keeps": subject.keeps,
                    "place": subject.place,
                }
                self._results.subjects[subject.name] = about

    def run(self, subjects: Sequence[Subject], workloads: Sequence[Workload]) -> None:
        """Measure all, in turns; who begins changes with the round."""
        ready = [subject for subject in subjects if subject.name in self._environments]
        for subject in ready:
            self._note_lacks(subject, workloads)

        for number in range(self._results.rounds):
            first = number % len(ready)
            for session, wanted in by_session(workloads, is_first=number == 0):
                for subject in ready[first:] + ready[:first]:
                    self._measure(number, session, wanted, subject)

    def _measure(
        self, number: int, session: Session, wanted: list[Workload], subject: Subject
    ) -> None:
        wanted = [
            one
            for one in wanted
            if one.name not in subject.lacks and (subject.name, one.name) not in self._failed
        ]
        if not wanted:
            return

        bench = Bench(
            self._places,
            subject,
            self._environments[subject.name],
            self._results.jobs,
            self._results.of_round(subject.name, "drain", number),
        )
        names = " and ".join(one.name for one in wanted)
        try:
            figures = session(bench)
        except (DriverFailed, CannotSetUp, ServerFailed) as error:
            for one in wanted:
                self._failed.add((subject.name, one.name))
                self._leave_out(subject, one.name, str(error))
            return

        measures = [measure.name for one in wanted for measure in one.measures]
        for measure in filter(figures.__contains__, measures):
            self._results.add(subject.name, measure, number, figures[measure])

        shown = ", ".join(
            f"{figures[name]:,.{0 if MEASURES[name].more_is_better else 1}f} {MEASURES[name].unit}"
            for name in filter(figures.__contains__, measures)
        )
        self._tell(f"{number + 1}/{self._results.rounds} {names}: {subject.name}: {shown}")

    def _note_lacks(self, subject: Subject, workloads: Sequence[Workload]) -> None:
        for workload in workloads:
            with suppress(KeyError):
                self._leave_out(subject, workload.name, subject.lacks[workload.name])

    def _leave_out(self, subject: Subject, workload: str, why: str) -> None:
        self._tell(f"not run: {subject.name}, {workload}: {why}")
        self._results.not_run.append({"subject": subject.name, "workload": workload, "why": why})


def by_session(
    workloads: Sequence[Workload], *, is_first: bool
) -> Iterator[tuple[Session, list[Workload]]]:
    """Workloads that one session measures together; those that are run once only at first."""
    together: dict[Session, list[Workload]] = {}
    for workload in workloads:
        if is_first or not workload.once:
            together.setdefault(workload.session, []).append(workload)

    yield from together.items()
