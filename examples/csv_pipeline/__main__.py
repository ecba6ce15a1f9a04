"""Run it: `python -m examples.csv_pipeline`; CSV_PIPELINE_SECONDS=40 ends it by itself."""

from __future__ import annotations

import argparse
import os
import socket
import sys
import tempfile
from pathlib import Path


def set_variables(folder: Path) -> None:
    """What a deployment sets; each can be given from outside, but for where the files are."""
    os.environ["CSV_FILES"] = str(folder / "incoming")
    os.environ["CSV_EXPORTS_URL"] = f"http://127.0.0.1:{_free_port()}"
    os.environ["BATCH_API_URL"] = f"http://127.0.0.1:{_free_port()}/v1"
    for name, value in {
        "ONBEAT_DB": f"sqlite:///{folder / 'onbeat.db'}",
        "ONBEAT_SHUTDOWN_GRACE": "5s",
        "SCHEDULER_INSTANCE_ID": "web",
        "CSV_IMPORT_INTERVAL": "1s",
        "IMPORT_PROCESSING_INTERVAL": "1s",
        "SESSION_PROCESSING_INTERVAL": "1s",
        "BATCH_PROCESSING_INTERVAL": "1s",
        "BATCH_PROCESSING_CHECK_INTERVAL": "1s",
    }.items():
        os.environ.setdefault(name, value)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def main() -> int:
    """Run, and say in one line what was wrong with what was given."""
    parser = argparse.ArgumentParser(prog="python -m examples.csv_pipeline", description=__doc__)
    parser.add_argument("--rows", type=int, default=2000, help="of the generated files together")
    parser.add_argument(
        "--wipe", action="store_true", help="also where tables or a person desk are not the demo's"
    )
    given = parser.parse_args()
    seconds = os.environ.get("CSV_PIPELINE_SECONDS")
    with tempfile.TemporaryDirectory() as folder:
        set_variables(Path(folder))
        from examples.csv_pipeline.demo import run  # noqa: PLC0415 - the application reads them
        from examples.showing.ending import code_of  # noqa: PLC0415 - as above

        most = float(seconds) if seconds else None
        return code_of(run(most, given.rows, wipe=given.wipe))


if __name__ == "__main__":
    sys.exit(main())
