"""A task that says which moment it was made for, in a process of its own."""

from __future__ import annotations

from onbeat import Onbeat, Run

ob = Onbeat("sqlite:///:memory:")


@ob.task(isolate="process")
def moment_in_a_process(run: Run) -> str:
    """Return the moment."""
    return str(run.occurrence_at)
