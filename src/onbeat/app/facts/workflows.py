"""Workflows and their jobs."""

from __future__ import annotations

from typing import Any

from onbeat.app.facts.moments import absolute
from onbeat.domain.jobs import kind_of_error
from onbeat.domain.states import State
from onbeat.domain.workflows import Workflow, WorkflowJob


def workflow_data(workflow: Workflow) -> dict[str, Any]:
    """A workflow as JSON has it."""
    return {
        "id": workflow.id,
        "name": workflow.name,
        "state": workflow.state,
        "on_failure": workflow.on_failure,
        "total": workflow.total,
        "ended": workflow.ended,
        "failed": workflow.failed,
        "cancelled": workflow.cancelled,
        "created_at": absolute(workflow.created_at),
        "ended_at": absolute(workflow.ended_at),
    }


def job_data(job: WorkflowJob, *, with_args: bool = True) -> dict[str, Any]:
    """A job of a workflow as JSON has it; what its error says, where arguments may be seen."""
    is_hidden = job.state is State.FAILED and not with_args
    return {
        "id": job.id, "label": job.label, "task": job.task, "state": job.state,
        "reason": kind_of_error(job.reason) if is_hidden else job.reason,
        "after": {label: str(on) for label, on in job.parents.items()},
    }  # fmt: skip
