"""E-mail, by the SMTP server of the settings: text and HTML, in one thread for what belongs
together.
"""

from __future__ import annotations

import ssl
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime, parseaddr
from html import escape
from typing import Final
from urllib.parse import unquote, urlsplit

from onbeat.alerts.channels.outlet import Where, refuse_others
from onbeat.alerts.messages import Letter
from onbeat.domain.errors import ExtraMissing, InvalidInput, InvalidSetting
from onbeat.domain.incidents import Severity
from onbeat.domain.notices import Came, NoticeKind, Verdict

TIMEOUT: Final = 20.0
"""Seconds for each exchange with the server."""

MOST: Final = 50
"""Addresses of a channel."""

PORTS: Final = {"smtp": 587, "smtps": 465, "smtp+plain": 25}
"""`smtp` must turn encryption on (STARTTLS), `smtps` begins with it, `smtp+plain` has none."""

COLOURS: Final = {
    Severity.INFO: "#2563eb",
    Severity.WARNING: "#b45309",
    Severity.ERROR: "#b91c1c",
    Severity.CRITICAL: "#7f1d1d",
}
DONE: Final = "#15803d"

AUTH_FAILED: Final = 535


@dataclass(frozen=True, slots=True, kw_only=True)
class Mailer:
    """The server that takes mail, and who sends it."""

    host: str
    port: int
    scheme: str
    sender: Address
    user: str | None = None
    password: str | None = field(default=None, repr=False)

    @classmethod
    def read(cls, url: str | None, sender: str | None) -> Mailer | None:
        """Of the settings; None where there is no server. Raises InvalidSetting."""
        if url is None:
            return None
        try:
            split = urlsplit(url)
            port = split.port
        except ValueError:
            split, port = urlsplit(""), None
        if split.scheme not in PORTS or not split.hostname:
            told = (
                "it is no server; give smtp://USER:PASSWORD@HOST:587, smtps://… or smtp+plain://…"
            )
            raise InvalidSetting("ONBEAT_SMTP", told)
        if sender is None:
            told = (
                "it is missing beside ONBEAT_SMTP; give who sends, as Onbeat <onbeat@example.com>"
            )
            raise InvalidSetting("ONBEAT_SMTP_FROM", told)
        try:
            of = _address(sender, "ONBEAT_SMTP_FROM")
        except InvalidInput as error:
            raise InvalidSetting("ONBEAT_SMTP_FROM", str(error).partition(": ")[2]) from None
        return cls(
            host=split.hostname, port=port or PORTS[split.scheme], scheme=split.scheme, sender=of,
            user=unquote(split.username) if split.username else None,
            password=unquote(split.password) if split.password else None,
        )  # fmt: skip


class Email:
    """Sends to addresses."""

    fields: tuple[str, ...] = ("to",)

    def __init__(self, mailer: Mailer | None, tls: ssl.SSLContext | None = None) -> None:
        """Send by `mailer`; its certificate is judged by `tls`, else by the machine's own list."""
        self._mailer = mailer
        self._tls = tls

    async def read(self, given: Where) -> Where:
        """The addresses. Raises InvalidInput, also where no server is set."""
        refuse_others(given, self.fields, "email")
        if self._mailer is None:
            told = "e-mail is not set up: give ONBEAT_SMTP, as smtp://USER:PASSWORD@HOST:587"
            raise InvalidInput("kind", told)
        to = given.get("to")
        wanted = f"give 1 to {MOST} addresses, as ann@example.com"
        if isinstance(to, str) or not isinstance(to, Sequence) or not 1 <= len(to) <= MOST:
            raise InvalidInput("to", wanted)
        return {"to": [str(_address(each, "to")) for each in to]}

    def shown(self, where: Where) -> str:
        """The first address, and how many more."""
        first, *more = where["to"]
        return f"{first} and {len(more)} more" if more else str(first)

    async def send(self, where: Where, letter: Letter) -> Came:
        """Send one message to all of them."""
        try:
            import aiosmtplib  # noqa: PLC0415 - of an extra
        except ImportError:
            return Came(
                verdict=Verdict.AGAIN, error=str(ExtraMissing("e-mail", "aiosmtplib", "email"))
            )
        if self._mailer is None:
            told = "ONBEAT_SMTP is not set here; set it for each process that sends"
            return Came(verdict=Verdict.AGAIN, error=told)
        began = time.monotonic()
        message = message_of(letter, self._mailer.sender, where["to"])
        try:
            refused, told = await self._deliver(message)
        except aiosmtplib.SMTPRecipientsRefused as error:
            came = _refused({each.recipient: each for each in error.recipients})
        except aiosmtplib.SMTPResponseException as error:
            came = _answered(error.code, error.message)
        except (aiosmtplib.SMTPException, OSError, ValueError) as error:
            where_to = f"{self._mailer.host}:{self._mailer.port}"
            came = Came(
                verdict=Verdict.AGAIN,
                error=f"{where_to} did not take it: {error or type(error).__name__}",
            )
        else:
            doubt = f"it was not taken for {', '.join(refused)}" if refused else None
            came = Came(verdict=Verdict.SENT, status=250, answer=told, doubt=doubt)
        return _timed(came, time.monotonic() - began)

    async def _deliver(self, message: EmailMessage) -> tuple[list[str], str]:
        """Who was refused, and what the server said. Raises SMTPException, OSError."""
        import aiosmtplib  # noqa: PLC0415 - of an extra

        mailer = self._mailer
        assert mailer is not None  # noqa: S101 - looked at by who calls
        refused, said = await aiosmtplib.send(
            message, hostname=mailer.host, port=mailer.port, username=mailer.user,
            password=mailer.password, use_tls=mailer.scheme == "smtps",
            start_tls=mailer.scheme == "smtp", timeout=TIMEOUT,
            tls_context=self._tls or ssl.create_default_context(),
        )  # fmt: skip
        return list(refused), said


def _timed(came: Came, seconds: float) -> Came:
    return Came(
        verdict=came.verdict, status=came.status, error=came.error, answer=came.answer,
        seconds=seconds, doubt=came.doubt,
    )  # fmt: skip


def _answered(code: int, text: str) -> Came:
    """What a server's code means: 4xx may pass; 5xx will not, but for a password that is mended."""
    again = 400 <= code < 500 or code == AUTH_FAILED
    return Came(
        verdict=Verdict.AGAIN if again else Verdict.REFUSED, status=code,
        error=f"the server answered {code}: {' '.join(text.split())[:300]}",
    )  # fmt: skip


def _refused(of: dict[str, object]) -> Came:
    codes = [int(getattr(each, "code", 550)) for each in of.values()]
    code = next((each for each in codes if each < 500), codes[0])
    text = str(getattr(next(iter(of.values())), "message", ""))
    return _answered(code, f"none of the addresses is taken: {text}")


def _address(text: object, name: str) -> Address:
    """An address, with or without a name before it. Raises InvalidInput."""
    said, spec = parseaddr(text) if isinstance(text, str) and text.isprintable() else ("", "")
    try:
        found = Address(display_name=said, addr_spec=spec)
    except (ValueError, IndexError):
        found = Address()
    if not found.username or ("." not in found.domain.strip(".") and found.domain != "localhost"):
        raise InvalidInput(name, f"{text!r} is no address; give one such as ann@example.com")
    return found


def message_of(letter: Letter, sender: Address, to: Sequence[str]) -> EmailMessage:
    """The message: its id is the notice's, and its thread that of the opening."""
    notice = letter.notice
    message = EmailMessage()
    message["From"] = sender
    message["To"] = ", ".join(to)
    message["Subject"] = " ".join(f"{letter.sign} {letter.title}".split())
    message["Date"] = format_datetime(notice.made_at)
    message["Message-ID"] = f"<{notice.id}@{sender.domain}>"
    if notice.thread != notice.id:
        opening = f"<{notice.thread}@{sender.domain}>"
        message["In-Reply-To"] = opening
        message["References"] = opening
    message["Auto-Submitted"] = "auto-generated"
    message["X-Onbeat-Thread"] = letter.key
    message.set_content(letter.text)
    message.add_alternative(html_of(letter), subtype="html")
    return message


def html_of(letter: Letter) -> str:
    """The message for the eye: tables and inline styles, which every mail program shows."""
    over = letter.notice.kind in (NoticeKind.RESOLVED, NoticeKind.TEST)
    colour = DONE if over else COLOURS[letter.notice.severity]
    parts = [_paragraphs(letter.text)] if letter.is_own else _told(letter)
    if letter.link is not None and letter.link.startswith(("https://", "http://")):
        style = f"display:inline-block;padding:10px 18px;background:{colour};color:#ffffff;border-radius:6px;text-decoration:none"
        parts.append(
            f'<p><a href="{escape(letter.link)}" style="{style}">{letter.leads_to}</a></p>'
        )
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        f"<title>{escape(letter.title)}</title></head>"
        '<body style="margin:0;padding:24px;background:#f4f4f5;'
        'font-family:-apple-system,Segoe UI,Roboto,Helvetica,Arial,sans-serif;color:#18181b">'
        '<table role="presentation" width="100%" cellpadding="0" cellspacing="0"><tr><td align="center">'
        '<table role="presentation" width="600" cellpadding="0" cellspacing="0" '
        f'style="max-width:600px;background:#ffffff;border-radius:8px;border-top:6px solid {colour}">'
        '<tr><td style="padding:24px">'
        f'<h1 style="margin:0 0 16px;font-size:20px;line-height:28px">{escape(letter.sign)} {escape(letter.title)}</h1>'
        f"{''.join(parts)}"
        f'<p style="margin:24px 0 0;font-size:12px;color:#71717a">{escape(letter.foot)}</p>'
        "</td></tr></table></td></tr></table></body></html>"
    )


def _told(letter: Letter) -> list[str]:
    parts = []
    if letter.figures:
        rows = "".join(
            '<tr><td style="padding:4px 16px 4px 0;color:#71717a;vertical-align:top;white-space:nowrap">'
            f'{escape(name)}</td><td style="padding:4px 0">{escape(value)}</td></tr>'
            for name, value in letter.figures
        )
        parts.append(f'<table role="presentation" style="font-size:14px">{rows}</table>')
    if letter.lines:
        listed = "".join(f"<li>{escape(each)}</li>" for each in letter.lines)
        parts.append(f'<ul style="font-size:14px;line-height:22px;padding-left:20px">{listed}</ul>')
    if letter.notice.count == 1 and letter.first.note:
        parts.append(f'<p style="font-size:14px">“{escape(letter.first.note)}”</p>')
    if letter.error:
        parts.append(_code(letter.error))
    if letter.to_try:
        parts.append('<p style="font-size:14px;margin-bottom:4px">Try</p>')
        parts.append(_code("\n".join(letter.to_try)))
    return parts


def _code(text: str) -> str:
    style = (
        "background:#f4f4f5;border-radius:6px;padding:12px;font-size:13px;line-height:18px;"
        "white-space:pre-wrap;word-break:break-word;font-family:ui-monospace,Menlo,Consolas,monospace"
    )
    return f'<pre style="{style}">{escape(text)}</pre>'


def _paragraphs(text: str) -> str:
    lines = escape(text).replace("\n", "<br>")
    return f'<p style="font-size:14px;line-height:22px">{lines}</p>'
