"""Callbacks: where targets of the task `http` say how their work has ended."""

from __future__ import annotations

from typing import Annotated

from fastapi import Path, Request, Response

from onbeat.api.answers import told
from onbeat.api.auth import gate_of
from onbeat.api.bodies import routes
from onbeat.api.openapi import errors
from onbeat.api.schemas.callbacks import CallbackIn, CallbackTaken

router = routes("/callbacks", "jobs", keyed=False)
Token = Annotated[
    str, Path(max_length=500, description="The last part of the URL that the request had.")
]


@router.post("/{token}", operation_id="callbacks_receive", response_model=CallbackTaken,
             responses=errors(400, 404, 409, 413, 415, 503))  # fmt: skip
async def receive(request: Request, token: Token, body: CallbackIn) -> Response:
    """Take what a target says of a job that waits for it, by the URL it had in the header
    `Onbeat-Callback-Url` of the job's request, which needs no other credentials. The job ends so;
    said again, it changes nothing.
    """
    is_done = body.status == "completed"
    said = body.result if is_done else body.error
    job = await gate_of(request).ob.callbacks.receive(token, said, is_done=is_done)
    return told({"job": job})
