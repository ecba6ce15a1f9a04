"""Callbacks, as they are asked and answered."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from onbeat.api.bodies import Answer, Body


class CallbackIn(Body):
    """How a target's work on a job has ended."""

    status: Literal["completed", "failed"] = Field(
        "completed", description="What becomes of the job."
    )
    result: Any = Field(None, description="With which result it has completed; up to 64 KiB.")
    error: str | None = Field(
        None, max_length=2_000, description="What went wrong, of one that failed."
    )


class CallbackTaken(Answer):
    """A callback that was taken."""

    job: str = Field(description="The job that it was for.")
