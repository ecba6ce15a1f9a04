"""What the kit says when a test asks for what it cannot give."""

from __future__ import annotations

from onbeat.domain.errors import OnbeatError


class KitError(OnbeatError):
    """The test uses the kit in a way that would prove nothing, or could not end."""


class JobHangs(KitError):
    """A job did not end within the real time that the kit has patience for."""


class Killed(BaseException):
    """Raised at a crash point: nothing of the process that reached it goes on.

    No `except Exception` on the way may take it for an error of the work.
    """
