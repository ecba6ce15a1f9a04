"""Why a job or a schedule does not run."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.text import Text

from onbeat.cli.output.colours import HEADING, QUIET
from onbeat.domain.reasons import Reason


def page(subject: str, reasons: Sequence[Reason], nothing: str) -> Iterator[str | Text]:
    """Reasons for people: what holds it, and below it what would change that."""
    yield Text(subject, HEADING)
    if not reasons:
        yield nothing
    for reason in reasons:
        yield f"- {reason.what}"
        if reason.remedy is not None:
            yield Text(f"  {reason.remedy}", QUIET)
