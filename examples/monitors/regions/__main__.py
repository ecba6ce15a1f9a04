"""Run it: `python -m examples.monitors.regions [--brisk]`; MONITORS_SECONDS=120 bounds it."""

from __future__ import annotations

import argparse
import json
import os
import secrets
import sys
from pathlib import Path

OWN_FILE = Path(__file__).with_name("demo.db")
REGIONS = {
    "queues": {"us": "checks-us", "eu": "checks-eu", "ap": "checks-ap"},
    "default": "checks",
    "fallback": {"us": ["eu"], "eu": ["us"], "ap": ["us", "eu"]},
    "spread": "weighted",
    "weights": {"us": 2},
    "unavailable_after": "3s",  # 30s unless said
    "move_after": "4s",  # 2m unless said
}

SETTINGS = {
    "ONBEAT_DB": f"sqlite:///{OWN_FILE}",
    "ONBEAT_REGIONS": json.dumps(REGIONS),
    "CRON_SECRET": secrets.token_urlsafe(24),
    "ONBEAT_QUEUES": "dispatch",
    "ONBEAT_LOG_FORMAT": "json",
    "ONBEAT_SHUTDOWN_GRACE": "2s",
}
"""What a deployment sets."""

SOONER = {
    "DISPATCH_INTERVAL": "2s",  # each minute unless said
    "MONITORS_BUDGET": "1",  # 45
    "MONITORS_BATCH": "4",  # 500
    "MONITORS_WINDOW": "5",  # 30
    "MONITORS_PAGER_REST": "3s",  # 30s
    "ONBEAT_HEARTBEAT": "500ms",  # 5s
    "ONBEAT_RESCUE_AFTER": "3s",  # 15s
}
"""As in earnest, only sooner, and with so little time that a cycle of 1,000 monitors is partial."""

for _name, _value in {**SETTINGS, **SOONER}.items():
    os.environ.setdefault(_name, _value)

from examples.monitors.regions.demo import run  # noqa: E402 - the application reads them when made
from examples.showing.ending import code_of  # noqa: E402 - as above


def main() -> int:
    """Run, and say in one line what was wrong with what was given."""
    parser = argparse.ArgumentParser(prog="python -m examples.monitors.regions")
    parser.add_argument("--brisk", action="store_true", help="wait for no incident: half the time")
    given, seconds = parser.parse_args(), os.environ.get("MONITORS_SECONDS")
    return code_of(run(float(seconds) if seconds else None, is_brisk=given.brisk))


if __name__ == "__main__":
    sys.exit(main())
