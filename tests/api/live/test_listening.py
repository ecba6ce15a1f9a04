"""What one who listens is told of, and when."""

from __future__ import annotations

from onbeat import Onbeat
from tests.api.live.listener import Listener


async def test_a_job_that_is_asked_for_is_told(ob: Onbeat, listener: Listener) -> None:
    await listener.follow("jobs")

    job = (await ob.jobs.enqueue("charge", must_be_known=False)).id

    [change] = [each for each in await listener.told_of([job]) if each["id"] == job]
    assert change == {"kind": "job", "id": job, "what": "asked", "task": "charge",
                      "queue": "default"}  # fmt: skip
