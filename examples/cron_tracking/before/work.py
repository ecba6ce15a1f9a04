"""The work: what the shop's jobs do. No line of it changes, whoever calls it."""

from __future__ import annotations

import os
import time
from pathlib import Path


def sync_stock(by: str, *, dry_run: bool = False) -> int:
    """Bring the stock in line with the warehouse, whose line drops now and then."""
    calls = _count("syncs")
    if calls % 4 == 2:
        raise TimeoutError("the warehouse has not answered within 2 s")
    _did("sync_stock", by, dry_run=dry_run)
    return 17


def refresh_rates(by: str, *, dry_run: bool = False) -> str:
    """Ask the bank for the day's rates."""
    if (_shop() / "bank-away").exists():
        raise ConnectionError("rates.bank.example: connection refused")
    _did("refresh_rates", by, dry_run=dry_run)
    return "1.0831"


def send_digest(by: str, *, dry_run: bool = False) -> int:
    """Write to everybody who wants to hear; it takes its time."""
    _did("send_digest", by, dry_run=dry_run)
    time.sleep(0.3)
    return 42


def has_moved(job: str) -> bool:
    """Whether the job is somebody else's by now: the one switch for each job of a program."""
    return (_shop() / "moved" / job).exists()


def _shop() -> Path:
    return Path(os.environ["SHOP"])


def _count(what: str) -> int:
    file = _shop() / what
    calls = int(file.read_text()) + 1 if file.exists() else 1
    file.write_text(str(calls))
    return calls


def _did(job: str, by: str, *, dry_run: bool) -> None:
    """Note in the ledger that work was done, and at whose bidding."""
    if not dry_run:
        with (_shop() / "ledger").open("a") as ledger:
            ledger.write(f"{job} {by} {int(time.time())}\n")
