"""An application whose own database is out of reach, and must stay so."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from onbeat import Onbeat, Retry, Run, Settings, cron, every
from onbeat.testing.plugin import onbeat_kit

__all__ = ["onbeat_kit"]

PRODUCTION = "postgresql://nobody@production.invalid/shop"


class BankDown(Exception):
    """What `charge` raises while the bank is down."""


@dataclass
class Shop:
    """An application with the usual tasks, and what they did."""

    ob: Onbeat
    done: list[object] = field(default_factory=list)
    failures_left: int = 0


@pytest.fixture
def shop() -> Shop:
    """A fresh application that declares two schedules."""
    shop = Shop(Onbeat(PRODUCTION, settings=Settings()))
    ob = shop.ob

    @ob.schedule(cron("30 1 * * *", tz="Europe/Paris"), catch_up="latest within 6h")
    @ob.task
    async def close_day(run: Run) -> str:
        run.log.info("closing")
        shop.done.append(run.occurrence_at)
        return "closed"

    @ob.schedule(every("6h"))
    @ob.task
    def tidy() -> None:
        shop.done.append("tidy")

    @ob.task(retry=Retry(3, base="1m"))
    async def charge(order: int) -> int:
        if shop.failures_left:
            shop.failures_left -= 1
            raise BankDown(f"order {order}")
        shop.done.append(order)
        return order

    @ob.task
    def mail(to: str) -> None:
        shop.done.append(to)

    return shop
