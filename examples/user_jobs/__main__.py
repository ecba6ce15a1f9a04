"""Run it: `python -m examples.user_jobs`; USER_JOBS_SECONDS=20 ends it by itself."""

from __future__ import annotations

import os
import secrets
import sys
from pathlib import Path

SETTINGS = {
    "ONBEAT_DB": f"sqlite:///{Path(__file__).with_name('demo.db')}",
    "ONBEAT_QUEUES": "default,schedQueue,jobQueue,webhooks",
    "ONBEAT_SECRET_KEY": secrets.token_urlsafe(32),  # seals what webhooks are signed with
    "ONBEAT_JWT_SECRET": secrets.token_urlsafe(32),  # shared with who issues bob's token
    "ONBEAT_OUTBOUND_ALLOW": "127.0.0.0/8",  # for the receiver is here
    "ONBEAT_OUTBOUND_HTTP": "true",
    "ONBEAT_SHUTDOWN_GRACE": "2s",
}
"""What a deployment sets; each can be given from outside."""

for _name, _value in SETTINGS.items():
    os.environ.setdefault(_name, _value)

from examples.showing.ending import code_of  # noqa: E402 - the application reads them
from examples.user_jobs.demo import run  # noqa: E402 - as above


def main() -> int:
    """Run, and say in one line what was wrong with what was given."""
    seconds = os.environ.get("USER_JOBS_SECONDS")
    return code_of(run(float(seconds) if seconds else None))


if __name__ == "__main__":
    sys.exit(main())
