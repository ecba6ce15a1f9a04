"""The long run: `python -m tests.chaos --jobs 20000 --seed 1`; ends with 1 on a finding."""

from __future__ import annotations

import argparse
import asyncio
import json
import secrets
import shutil
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

from tests.chaos.run import Plan, Run, Tell, Verdict
from tests.servers.postgres import launch

ENGINES = ("sqlite", "postgresql")
MOST_SHOWN = 20


def main() -> int:
    """Run, and tell what came of it."""
    asked = _arguments()
    engines = ENGINES if asked.engine == "both" else (asked.engine,)
    plan = Plan(jobs=asked.jobs, seed=asked.seed)
    verdicts = {}
    for engine in engines:
        verdicts[engine] = run_on(engine, plan, _progress(engine))
        if not asked.json:
            _show(engine, asked.seed, verdicts[engine])
    if asked.json:
        told = {engine: _as_data(verdict) for engine, verdict in verdicts.items()}
        _say(json.dumps({"seed": asked.seed, "engines": told}))
    return 1 if any(verdict.findings for verdict in verdicts.values()) else 0


def run_on(engine: str, plan: Plan, tell: Tell) -> Verdict:
    """A run on a database of its own; its folder is kept where something was found."""
    folder = Path(tempfile.mkdtemp(prefix="onbeat-chaos-"))
    if engine == "sqlite":
        url = f"sqlite:///{folder / 'onbeat.db'}"
        verdict = asyncio.run(Run(plan, url, folder, None, tell).go())
    else:
        with launch() as server:
            url = server.create_database("chaos")
            verdict = asyncio.run(Run(plan, url, folder, server, tell).go())
    if verdict.findings:
        verdict.figures["folder"] = str(folder)
    else:
        shutil.rmtree(folder)
    return verdict


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--jobs", type=int, default=20_000, help="how many the client asks for")
    parser.add_argument("--engine", choices=(*ENGINES, "both"), default="both")
    parser.add_argument("--seed", type=int, default=secrets.randbelow(1_000_000))
    parser.add_argument("--json", action="store_true", help="print one JSON object at the end")
    return parser.parse_args()


def _progress(engine: str) -> Tell:
    def tell(line: str) -> None:
        start, end = ("\r\033[K", "") if sys.stderr.isatty() else ("", "\n")
        sys.stderr.write(f"{start}{engine}: {line}{end}")
        sys.stderr.flush()

    return tell


def _as_data(verdict: Verdict) -> dict[str, Any]:
    return {
        "findings": [
            {"promise": each.promise, "subject": each.subject, "detail": each.detail}
            for each in verdict.findings
        ],
        "figures": verdict.figures,
        "faults": dict(verdict.faults),
    }


def _show(engine: str, seed: int, verdict: Verdict) -> None:
    _say(f"\n{engine}, seed {seed}")
    for name, value in verdict.figures.items():
        _say(f"  {name:<44} {value}")
    _say(f"  faults ({sum(verdict.faults.values())})")
    for name, count in sorted(verdict.faults.items()):
        _say(f"    {name:<42} {count}")
    _say(f"  findings ({len(verdict.findings)})")
    for promise, count in Counter(each.promise for each in verdict.findings).items():
        _say(f"    {promise:<42} {count}")
    for finding in verdict.findings[:MOST_SHOWN]:
        _say(f"    {finding.promise}: {finding.subject} {finding.detail}")


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
