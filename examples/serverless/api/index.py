"""A shop without a process that stays: whoever calls once a minute has its jobs made and run.

`app` is an ASGI application: Vercel serves it from here, and any other host of functions can, too.
What is to be remembered is in the database of ONBEAT_DB.
"""

from __future__ import annotations

from onbeat import Onbeat, Retry, Run, cron
from onbeat.api import make_asgi

ob = Onbeat()


@ob.schedule(cron("* * * * *"))
@ob.task(name="collect-orders", retry=Retry(5))
async def collect_orders(run: Run) -> None:
    """Fetch what was ordered since the last minute; where it fails, a later call tries it again."""
    run.log.info("collected")


@ob.schedule(cron("0 7 * * *", tz="Europe/Paris"))
@ob.task(name="daily-report")
async def daily_report() -> str:
    """Tell how yesterday was, every morning."""
    return "all is well"


app = make_asgi(ob)
