"""Run the demo: `python -m examples.game_world [--days N] [--seconds S] [--seed N] …`."""

from __future__ import annotations

import argparse
import asyncio
import os
import socket
import sys
import tempfile
from pathlib import Path

DAYS_PER_SECOND = 6


def read_arguments() -> argparse.Namespace:
    """Read the command line; GAME_SECONDS stands in for --seconds."""
    parser = argparse.ArgumentParser(prog="python -m examples.game_world", description=__doc__)
    parser.add_argument(
        "--seconds", type=float, default=float(os.environ.get("GAME_SECONDS", "60")),
        help="of real time in which the days pass",
    )  # fmt: skip
    parser.add_argument("--days", type=int, help="of world time; six for each second, unless said")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--campaigns", type=int, default=2)
    parser.add_argument("--effects", type=int, default=60, help="in each campaign")
    parser.add_argument(
        "--outage", type=float, default=2.0, help="seconds for which the worlds' server is away"
    )
    return parser.parse_args()


def set_variables(folder: Path) -> int:
    """Say by variables what nobody has said; the port of the worlds' server."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    os.environ["API_URL"] = f"http://127.0.0.1:{port}"
    os.environ.setdefault("ONBEAT_DB", f"sqlite:///{folder / 'onbeat.db'}")
    for name, value in (
        ("API_SERVICE_ACCOUNT_TOKEN", "a token of the demo"),
        ("API_CIRCUIT_BREAKER_DURATION_MS", "500"),
        ("QUEUE_RETRY_BACKOFF_MS", "200"),
    ):
        os.environ.setdefault(name, value)
    return port


async def play(arguments: argparse.Namespace, folder: Path, port: int) -> int:
    """Run it against a server of its own."""
    from examples.game_world.play import Options, run, running_world  # noqa: PLC0415 - reads them

    options = Options(
        days=arguments.days or max(2, int(arguments.seconds * DAYS_PER_SECOND)),
        seconds=arguments.seconds, seed=arguments.seed, campaigns=arguments.campaigns,
        effects=arguments.effects, outage=arguments.outage,
    )  # fmt: skip
    async with running_world(folder / "world.db", port) as server:
        return await run(options, server)


def main() -> int:
    """Run, in a folder that is gone afterwards."""
    arguments = read_arguments()
    with tempfile.TemporaryDirectory() as folder:
        return asyncio.run(play(arguments, Path(folder), set_variables(Path(folder))))


if __name__ == "__main__":
    sys.exit(main())
