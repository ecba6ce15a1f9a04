"""An application to begin with: put yours here, and say where it is in ONBEAT_APP."""

from __future__ import annotations

from onbeat import Onbeat, PeriodicService, Run, every

ob = Onbeat()


@ob.task(queue="mail")
async def remind(run: Run, customer: str) -> None:
    """Stands for a mail that is sent."""
    run.log.info("reminded", customer=customer)


@ob.schedule(every("1m"))
@ob.task
async def look_around() -> None:
    """Enqueue what is to be done."""
    await remind.enqueue(customer="acme")


class Counting(PeriodicService):
    """Stands for what goes on in the background and is no job."""

    async def run_once(self) -> None:
        """At each moment."""


ob.service(lambda store: Counting(id="counting", when=every("1m"), auto_start=False))
