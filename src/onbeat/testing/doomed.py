"""The process that is killed: `python -m onbeat.testing.doomed`, its order on standard input."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from importlib import import_module

import msgspec

from onbeat.app.onbeat import Onbeat
from onbeat.crash_points import CrashPoint, arm
from onbeat.testing.clock import BystandersTiming, VirtualClock
from onbeat.testing.crew import Crew, Trade
from onbeat.testing.killing import SURVIVED, Order


def main() -> None:
    """Work until the point is reached."""
    order = msgspec.json.decode(sys.stdin.buffer.read(), type=Order)
    sys.path[:] = order.path
    module, _, name = order.app.partition(":")
    ob: Onbeat = getattr(import_module(module), name)
    clock = VirtualClock(order.at)
    with ob.elsewhere(order.url, BystandersTiming(clock, lambda: True)):
        asyncio.run(_work(ob, clock, order))
    sys.exit(SURVIVED)


async def _work(ob: Onbeat, clock: VirtualClock, order: Order) -> None:
    trade = Trade(queues=order.queues, slots=order.slots, patience=order.patience, seed=order.seed)
    crew = Crew(order.url, clock, ob.registry, trade)
    await crew.start()
    arm(CrashPoint(order.point), _die, on_pass=order.on_pass)
    await crew.settle(told=True)
    await crew.stop()
    await ob.close()


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    main()
