"""All that apprise (an extra) has a word for, of the services that are allowed.

It is given a thread of its own for each sending, and so long; what it does there is one `notify`.
Its hosts are looked at before, by the same rules as those of requests.
"""

from __future__ import annotations

import asyncio
import threading
import time
from typing import Any, Final
from urllib.parse import urlsplit

from onbeat.alerts.channels.outlet import Where, need, refuse_others
from onbeat.alerts.messages import Letter
from onbeat.domain.errors import ExtraMissing, InvalidInput
from onbeat.domain.incidents import Severity
from onbeat.domain.notices import Came, NoticeKind, Verdict
from onbeat.outbound.client import Client
from onbeat.outbound.targets import TargetRefused
from onbeat.timing import within

TIMEOUT: Final = 25.0
"""Seconds until its thread is left to itself."""

SERVICES: Final = frozenset(
    {"discord", "gchat", "msteams", "workflows", "opsgenie", "pbul", "pover", "signl4", "tgram",
     "twilio", "victorops", "splunk", "webexteams", "wxteams", "zulip", "line", "sns", "threema"}
)  # fmt: skip
"""Schemes whose host is the service's own."""

HOSTED: Final = frozenset({"gotifys", "jsons", "matrixs", "mmosts", "ntfys", "rockets", "signals"})
"""Schemes that name a host, encrypted."""

PLAIN: Final = frozenset({"gotify", "json", "matrix", "mmost", "ntfy", "rocket", "signal"})
"""The same unencrypted, but for `ntfy`, which may be ntfy.sh."""

TYPES: Final = {
    Severity.INFO: "info",
    Severity.WARNING: "warning",
    Severity.ERROR: "failure",
    Severity.CRITICAL: "failure",
}


class Apprise:
    """Sends by one apprise URL."""

    fields: tuple[str, ...] = ("url",)

    def __init__(self, client: Client) -> None:
        """Judge hosts by the rules of `client`."""
        self._client = client

    async def read(self, given: Where) -> Where:
        """The URL. Raises InvalidInput, ExtraMissing."""
        refuse_others(given, self.fields, "apprise")
        url = need(given, "url", "an apprise URL, as ntfys://ntfy.example.com/topic")
        await self._check(url)
        if _target(url) is None:
            raise InvalidInput("url", "apprise cannot read it; see its pages for this service")
        return {"url": url}

    def shown(self, where: Where) -> str:
        """Its scheme: all else may be a secret."""
        return f"{urlsplit(where['url']).scheme}://…"

    async def send(self, where: Where, letter: Letter) -> Came:
        """Notify, in a thread."""
        began = time.monotonic()
        try:
            await self._check(where["url"])
            target = _target(where["url"])
        except (InvalidInput, ExtraMissing) as error:
            verdict = Verdict.REFUSED if isinstance(error, TargetRefused) else Verdict.AGAIN
            return Came(verdict=verdict, error=str(error))
        over = letter.notice.kind in (NoticeKind.RESOLVED, NoticeKind.TEST)
        said = {"title": f"{letter.sign} {letter.title}", "body": letter.text,
                "notify_type": "success" if over else TYPES[letter.notice.severity]}  # fmt: skip
        try:
            async with within(TIMEOUT):
                wrong = await _in_thread(target, said)
        except TimeoutError:
            told = f"apprise did not come back within {TIMEOUT:g} s"
            return Came(verdict=Verdict.AGAIN, error=told, seconds=time.monotonic() - began)
        seconds = time.monotonic() - began
        if wrong is None:
            return Came(verdict=Verdict.SENT, seconds=seconds)
        return Came(verdict=Verdict.AGAIN, error=wrong, seconds=seconds)

    async def _check(self, url: str) -> None:
        """Raise InvalidInput for a service that is not allowed, or a host that is not."""
        split = urlsplit(url)
        if split.scheme in SERVICES:
            return
        if split.scheme not in HOSTED | PLAIN:
            known = ", ".join(sorted(SERVICES | HOSTED | PLAIN))
            raise InvalidInput("url", f"{split.scheme}:// is not allowed; give one of {known}")
        host = split.hostname or ""
        if split.scheme == "ntfy" and not split.path.strip("/"):
            return  # a topic at ntfy.sh
        port = f":{split.port}" if split.port else ""
        secure = "s" if split.scheme in HOSTED else ""
        await self._client.check(f"http{secure}://{host}{port}/", "url")


def _target(url: str) -> Any:
    """What notifies; None where apprise cannot read the URL. Raises ExtraMissing."""
    try:
        import apprise  # noqa: PLC0415 - of an extra
    except ImportError as error:
        raise ExtraMissing("this channel", "apprise", "apprise") from error
    target = apprise.Apprise()
    return target if target.add(url) else None


def notified(target: Any, said: dict[str, str]) -> str | None:
    """What went wrong; None where it was sent."""
    try:
        if target.notify(**said):
            return None
    except Exception as error:  # a plugin may raise anything; its text may hold the URL's secrets
        return f"apprise failed with {type(error).__name__}"
    return "apprise says that it was not sent, and not why; its log may"


async def _in_thread(target: Any, said: dict[str, str]) -> str | None:
    """What went wrong; None where it was sent. A thread that hangs holds up neither the loop nor
    the process' end.
    """
    loop = asyncio.get_running_loop()
    done: asyncio.Future[str | None] = loop.create_future()

    def finish(wrong: str | None) -> None:
        if not done.done():
            done.set_result(wrong)

    def work() -> None:
        wrong = notified(target, said)
        try:
            loop.call_soon_threadsafe(finish, wrong)
        except RuntimeError:
            return  # the loop has ended meanwhile

    threading.Thread(target=work, name="onbeat-apprise", daemon=True).start()
    return await done
