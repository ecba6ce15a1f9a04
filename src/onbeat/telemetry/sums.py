"""What processes have counted, as counters and histograms of the whole fleet."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from prometheus_client.metrics_core import Metric as Family

from onbeat.domain.channels import ChannelKind
from onbeat.domain.meters import BOUNDS, Meter, Sum, together
from onbeat.domain.notices import NoticeState
from onbeat.domain.requests import RequestOutcome
from onbeat.domain.schedules import OccurrenceOutcome
from onbeat.domain.sources.listening import Reception
from onbeat.runtime.cleaner import BY_RULE, KINDS
from onbeat.telemetry.metrics import (
    ATTEMPT_SECONDS,
    ATTEMPTS,
    DELETED,
    ENQUEUED,
    FIRES,
    LATENESS,
    NOTIFICATIONS,
    QUERY_SECONDS,
    TICK_SECONDS,
    WAIT,
    Metric,
)
from onbeat.telemetry.samples import family, histogram, steps

LOST = "lost"
"""What came of an attempt whose worker died: nobody knows when."""

RESULTS = (NoticeState.SENT, RequestOutcome.AGAIN, NoticeState.FAILED)

ON_RECORD = [each for each in OccurrenceOutcome if each is not OccurrenceOutcome.UNDECIDED]
MADE = [each for each in ON_RECORD if each.makes_job]


def of_sums(sums: Sequence[Sum]) -> Iterator[Family]:
    """All of them; those that nothing was counted of yet without samples, a histogram without
    labels with none.
    """
    ran, fired = _of(Meter.RAN, sums), _of(Meter.FIRED, sums)
    yield _counter(ENQUEUED, _of(Meter.ENQUEUED, sums))
    yield _counter(ATTEMPTS, ran)
    yield timed(
        ATTEMPT_SECONDS, together([each for each in ran if each.labels[-1] != LOST], (0, 1))
    )
    yield timed(WAIT, _of(Meter.WAITED, sums))
    yield _counter(FIRES, _with_none(Meter.FIRED, [(each,) for each in ON_RECORD], fired))
    made = [each for each in fired if each.labels[0] in MADE]
    yield timed(LATENESS, together(made, ()) or [_none(Meter.FIRED)])
    yield timed(TICK_SECONDS, _of(Meter.TICKED, sums) or [_none(Meter.TICKED)])
    yield timed(QUERY_SECONDS, _of(Meter.ASKED, sums))
    told = [(kind, result) for kind in ChannelKind for result in RESULTS]
    yield _counter(NOTIFICATIONS, _with_none(Meter.TOLD, told, _of(Meter.TOLD, sums)))
    kinds = [(each,) for each in (*sorted(KINDS), BY_RULE)]
    yield _counter(DELETED, _with_none(Meter.REMOVED, kinds, _of(Meter.REMOVED, sums)))


def posted(sums: Sequence[Sum]) -> dict[tuple[str, str], int]:
    """How many messages were posted to inbound webhooks, by source and what came of them: each
    outcome of those that have had any.
    """
    found = {each.labels: each.number for each in _of(Meter.POSTED, sums)}
    sources = sorted({source for source, _ in found})
    return {
        (source, outcome): found.get((source, outcome), 0)
        for source in sources for outcome in Reception
    }  # fmt: skip


def _none(meter: Meter, *labels: str) -> Sum:
    return Sum(meter, labels, (0,) * (len(BOUNDS) + 1), 0.0)


def _with_none(
    meter: Meter, all_there_are: Iterable[tuple[str, ...]], sums: Sequence[Sum]
) -> list[Sum]:
    """With a sum of none for each of the labels of which nothing was counted."""
    known = {each.labels for each in sums}
    return [*sums, *(_none(meter, *each) for each in all_there_are if each not in known)]


def _of(meter: Meter, sums: Sequence[Sum]) -> list[Sum]:
    return [each for each in sums if each.meter is meter]


def _counter(metric: Metric, sums: Sequence[Sum]) -> Family:
    counted = family(metric)
    for each in sums:
        counted.add_metric(each.labels, each.number)
    return counted


def timed(metric: Metric, sums: Sequence[Sum]) -> Family:
    """A histogram of sums whose labels are those of the metric."""
    took = histogram(metric)
    for each in sums:
        took.add_metric(each.labels, steps(BOUNDS, each.within), each.seconds)
    return took
