"""What is said of a run that went wrong: what, how to see it again, and what happened last."""

from __future__ import annotations

from tests.simulation.run import Verdict

MOST_FINDINGS = 10


def failure(verdict: Verdict, again: str | None = None) -> str:
    """The findings, the command that runs it `again`, the end of the trace."""
    again = again or f"python -m tests.simulation --seed {verdict.seed} --trace"
    found = [
        f"  {finding.promise}: {finding.subject} {finding.detail}"
        for finding in verdict.findings[:MOST_FINDINGS]
    ]
    if len(verdict.findings) > MOST_FINDINGS:
        found.append(f"  and {len(verdict.findings) - MOST_FINDINGS} more")
    return "\n".join([
        f"seed {verdict.seed} broke what is promised:", *found,
        f"again, all of it: {again}",
        "what happened last:", *verdict.last,
    ])  # fmt: skip
