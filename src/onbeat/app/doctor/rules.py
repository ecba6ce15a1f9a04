"""What the doctor sees of rules: what is odd about those that are on."""

from __future__ import annotations

from collections.abc import AsyncIterator

from onbeat.app.doctor.findings import Finding, Verdict
from onbeat.app.onbeat import Onbeat
from onbeat.domain.words import many


async def examine_rules(ob: Onbeat) -> AsyncIterator[Finding]:
    """A finding for each that can never hold, or always does, is of the same as another, or of
    what nobody knows.
    """
    rules = [each for each in await ob.rules.list() if each.enabled]
    odd = [(each.name, doubt) for each in rules for doubt in await ob.rules.doubts(each, rules)]
    for name, doubt in odd:
        told = f"{name}: {doubt}; `onbeat rules edit {name}`"
        yield Finding("rules", Verdict.NOTE, told)
    if not odd:
        yield Finding("rules", Verdict.GOOD, f"{many(len(rules), 'rule')}, none odd")
