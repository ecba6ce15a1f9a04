"""The probe port of a process that serves no API: the paths that the API's probes have.

/livez is answered by the loop that all of the process runs on: where that is stuck, nothing is
said, as a watchdog is told nothing (`supervisor`).
"""

from __future__ import annotations

import json
import socket
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from onbeat import __version__
from onbeat.app.onbeat import Onbeat
from onbeat.app.readiness import Readiness, readiness
from onbeat.runtime.listening import Asked, Reply, address_of, answering, listen
from onbeat.runtime.manager import ServiceManager
from onbeat.runtime.steward import Steward
from onbeat.settings import Settings

MISSING = "prometheus-client is not installed here; run `pip install 'onbeat[prometheus]'`"
CLOSED = "ONBEAT_METRICS is closed, and no tokens are looked up here"


@dataclass(slots=True)
class Probes:
    """Answers how a process is; what it runs is put in once that has started."""

    ob: Onbeat
    listener: socket.socket
    has_metrics: bool = True
    needed: Sequence[str] = ()
    """The ids of services that it was started for."""
    manager: ServiceManager | None = None

    @property
    def address(self) -> str:
        """Where they can be asked from this machine."""
        return address_of(self.listener)

    async def answer(self, asked: Asked) -> Reply:
        """What is asked for, else 404."""
        match asked.path:
            case "/livez":
                return _json(200, {"status": "ok"})
            case "/readyz":
                return _of(await self._readiness())
            case "/metrics" if self.has_metrics:
                return await self._metrics(asked.accept)
            case "/metrics":
                return _refused(CLOSED)
            case _:
                return _refused("there are /livez, /readyz and /metrics")

    async def _readiness(self) -> Readiness:
        return await readiness(self.ob, self.manager, self.needed)

    async def _metrics(self, accept: str) -> Reply:
        try:
            from onbeat.telemetry.process_figures import (  # noqa: PLC0415 - an extra
                process_exposition,
            )
        except ModuleNotFoundError:
            return _refused(MISSING)
        found = await self._readiness()
        services = [] if self.manager is None else list(self.manager)
        content_type, text = process_exposition(
            [each.snapshot() for each in services if not isinstance(each, Steward)],
            is_ready=found.reason is None, version=__version__, accept=accept,
        )  # fmt: skip
        return Reply(200, text, content_type)


def probes_of(ob: Onbeat, settings: Settings, needed: Sequence[str] = ()) -> Probes | None:
    """What answers on the probe port, which is listened on from here on; None where none is set.

    Raises InvalidSetting where nothing can listen there.
    """
    if settings.probe_port is None:
        return None
    listener = listen(settings.host, settings.probe_port, "probe_port")
    return Probes(ob, listener, settings.metrics == "open", needed)


@asynccontextmanager
async def probed(probes: Probes | None) -> AsyncIterator[None]:
    """Answer them while the block goes on."""
    if probes is None:
        yield
        return
    async with answering(probes.listener, probes.answer, always=("/livez",)):
        yield


def _of(found: Readiness) -> Reply:
    is_ready = found.reason is None
    body: dict[str, Any] = {
        "status": "ok" if is_ready else "error", "reason": found.reason, "dependencies": {},
    }  # fmt: skip
    if found.is_asked:
        state = "down" if found.latency is None else "up"
        body["dependencies"] = {"database": {"status": state, "latency_ms": found.latency}}
    return _json(200 if is_ready else 503, body)


def _refused(why: str) -> Reply:
    return _json(404, {"status": "error", "reason": why})


def _json(status: int, body: dict[str, Any]) -> Reply:
    return Reply(status, json.dumps(body).encode())
