"""The loop, as somebody keeps it alive: `python -m examples.cron_tracking.before.sync_loop`."""

from __future__ import annotations

import signal
import threading

from examples.cron_tracking.before.work import sync_stock

stop = threading.Event()
signal.signal(signal.SIGTERM, lambda *_: stop.set())

while not stop.is_set():
    try:
        sync_stock("loop")
    except Exception as error:
        print("sync failed:", error, flush=True)  # into a file that nobody reads
    stop.wait(1)
