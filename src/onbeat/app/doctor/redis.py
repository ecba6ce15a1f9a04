"""What the doctor sees of the Redis in which processes share answers."""

from __future__ import annotations

from onbeat import __version__
from onbeat.app.doctor.findings import Finding, Verdict
from onbeat.domain.url_passwords import hide_passwords
from onbeat.domain.words import one_line
from onbeat.outbound.shared_shelf import SharedShelf, is_installed

PATIENCE = 2.0
"""Seconds: who asks the doctor has more of them than who asks for an answer."""

ALONE = "each process keeps answers of its own"


async def examine_redis(url: str) -> Finding:
    """Whether it answers."""
    if not is_installed():
        told = f"what talks to it is not installed, and {ALONE}; pip install 'onbeat[redis]'"
        return Finding("redis", Verdict.NOTE, told)
    shelf, where = SharedShelf(url, __version__, patience=PATIENCE), hide_passwords(url)
    try:
        is_up = await shelf.ping()
    finally:
        await shelf.close()
    if is_up:
        return Finding("redis", Verdict.GOOD, f"{where} answers")
    why = one_line(shelf.fault or "")
    told = f"{where} does not answer ({why}), and {ALONE} meanwhile; look after it, or unset it"
    return Finding("redis", Verdict.NOTE, told)
