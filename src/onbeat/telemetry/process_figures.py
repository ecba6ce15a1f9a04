"""The figures of one process, by itself: what its probe port tells, beside what fleets tell.

Their names are others than those of the fleet: who adds up one does not count the other.
"""

from __future__ import annotations

import platform
from collections.abc import Iterator, Sequence

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import InfoMetricFamily
from prometheus_client.metrics_core import Metric as Family

from onbeat.domain.services import Snapshot
from onbeat.telemetry.metrics import (
    BUILD,
    PROCESS_READY,
    PROCESS_SERVICES,
    PROCESS_STEP_SECONDS,
    PROCESS_STEPS,
)
from onbeat.telemetry.prometheus import Shown
from onbeat.telemetry.samples import family, single


def process_exposition(
    snapshots: Sequence[Snapshot], *, is_ready: bool, version: str, accept: str = ""
) -> tuple[str, bytes]:
    """The content type and the text, in the format that `accept` asks for."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(Shown(_families(snapshots, version, is_ready=is_ready)))
    encoder, content_type = choose_encoder(accept)
    return content_type, encoder(registry)


def _families(snapshots: Sequence[Snapshot], version: str, *, is_ready: bool) -> Iterator[Family]:
    build = {"version": version, "python": platform.python_version()}
    yield InfoMetricFamily(BUILD.family, BUILD.about, build)
    yield single(PROCESS_READY, float(is_ready))
    services, steps = family(PROCESS_SERVICES), family(PROCESS_STEPS)
    took = family(PROCESS_STEP_SECONDS)
    for each in snapshots:
        services.add_metric((each.id, each.status.lower()), 1)
        steps.add_metric((each.id, "success"), each.successes)
        steps.add_metric((each.id, "failure"), each.failures)
        if each.last_duration is not None:
            took.add_metric((each.id,), each.last_duration.total_seconds())
    yield from (services, steps, took)
