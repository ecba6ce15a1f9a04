"""The loop, tracked where it is: it still says when, and Onbeat runs the work and keeps the record.

`python -m examples.cron_tracking.after.tracked_loop`; one line differs from before/sync_loop.py.
"""

from __future__ import annotations

import signal
import threading

from examples.cron_tracking.after.app import sync_stock
from onbeat import OnbeatError

stop = threading.Event()
signal.signal(signal.SIGTERM, lambda *_: stop.set())

while not stop.is_set():
    try:
        sync_stock.opts(tags=["tracked"]).enqueue_blocking(by="loop").result_blocking(timeout="30s")
    except (OnbeatError, TimeoutError) as error:
        print("sync failed:", error, flush=True)
    stop.wait(1)
