"""The function that a minute cron calls: `app` is what Vercel, or any host of ASGI, serves."""

from __future__ import annotations

from examples.monitors.regions.app import ob
from onbeat.api import make_asgi
from onbeat.telemetry.logs import start_logging

start_logging(ob.settings.log_format, ob.settings.log_level)
app = make_asgi(ob)
