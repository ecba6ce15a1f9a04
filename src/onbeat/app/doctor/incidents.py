"""What the doctor sees of incidents: that some are open, and which."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Final

from onbeat.app.doctor.findings import Finding, Verdict
from onbeat.app.onbeat import Onbeat
from onbeat.domain.incidents import UNRESOLVED, Incident, Severity, Wanted
from onbeat.domain.words import many

SHOWN: Final = 3
"""Incidents that are told by name."""


async def examine_incidents(ob: Onbeat) -> AsyncIterator[Finding]:
    """One finding: how many are not resolved, and the worst of them."""
    counts = {each: count for each, count in (await ob.incidents.count_open()).items() if count}
    if not counts:
        yield Finding("incidents", Verdict.GOOD, "none is open")
        return
    worst: list[Incident] = []
    for severity in sorted(counts, key=lambda each: each.rank, reverse=True):
        wanted = Wanted(states=UNRESOLVED, severity=severity)
        if len(worst) < SHOWN:
            worst += await ob.incidents.list(wanted, limit=SHOWN - len(worst))
    yield Finding("incidents", Verdict.NOTE, _told(counts, worst))


def _told(counts: Mapping[Severity, int], worst: Sequence[Incident]) -> str:
    count = sum(counts.values())
    shown = ", ".join(f"{each.rule} of {each.name} ({each.severity})" for each in worst)
    more = ", …" if count > len(worst) else ""
    command = "onbeat incidents ls"
    if count == 1:
        command = f"onbeat incidents show {worst[0].id}"
    return f"{many(count, 'incident')} not resolved: {shown}{more}; `{command}`"
