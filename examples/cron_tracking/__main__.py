"""Run it: `python -m examples.cron_tracking`; CRON_TRACKING_SECONDS=200 ends it by itself."""

from __future__ import annotations

import importlib.util
import os
import secrets
import signal
import sys
from pathlib import Path

from examples.cron_tracking.hook import Hook

HERE = Path(__file__).parent
HOOK = Hook()
FOLDER = Path(os.environ.setdefault("SHOP", str(HERE / "demo")))
SETTINGS = {
    "ONBEAT_DB": f"sqlite:///{HERE / 'demo.db'}",
    "ONBEAT_QUEUES": "default,shop,reports",
    "ONBEAT_SECRET_KEY": secrets.token_urlsafe(32),  # seals where channels lead
    "ONBEAT_SHELL": "true",  # the crontab's commands are run
    "ONBEAT_OUTBOUND_ALLOW": "127.0.0.0/8",  # for Slack and Sentry are here
    "ONBEAT_OUTBOUND_HTTP": "true",
    "ONBEAT_RESCUE_AFTER": "45s",  # a worker that died is silent for as long
    "SENTRY_DSN": HOOK.sentry,
    "ONBEAT_SHUTDOWN_GRACE": "5s",
}
"""What a deployment sets; each can be given from outside."""

IS_OWN = "ONBEAT_DB" not in os.environ
"""Whether the database is the demo's, which begins anew."""

for _name, _value in SETTINGS.items():
    os.environ.setdefault(_name, _value)

from examples.cron_tracking.demo import run  # noqa: E402 - the application reads them when made
from examples.showing.ending import code_of  # noqa: E402 - as above

WRONG = 2


def main() -> int:
    """Run, and say in one line what was wrong with what was given."""
    if IS_OWN:
        for file in HERE.glob("demo*.db*"):
            file.unlink()
    if importlib.util.find_spec("apscheduler") is None:
        sys.stderr.write("one of the old jobs is APScheduler's: pip install 'apscheduler>=3,<4'\n")
        return WRONG
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # the old jobs end with it
    seconds = os.environ.get("CRON_TRACKING_SECONDS")
    return code_of(run(float(seconds) if seconds else None, FOLDER, HOOK))


if __name__ == "__main__":
    sys.exit(main())
