"""Each kind of channel against a real receiver, which holds it against what is published."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from standardwebhooks import Webhook as Verifier

from onbeat.alerts.channels import outlets
from onbeat.alerts.channels.apprise import notified
from onbeat.alerts.channels.email import Mailer
from onbeat.alerts.channels.outlet import Outlet
from onbeat.alerts.channels.pagerduty import EVENTS, action_of
from onbeat.alerts.channels.slack import body_of
from onbeat.alerts.channels.webhook import body_of as webhook_body
from onbeat.alerts.messages import Letter, compose
from onbeat.domain.addresses import read_allowed
from onbeat.domain.channels import ChannelKind, Options, Tells
from onbeat.domain.errors import InvalidInput, InvalidSetting
from onbeat.domain.incidents import Severity
from onbeat.domain.notices import Came, NoticeKind, Verdict
from onbeat.outbound.client import Bounds, Client
from onbeat.outbound.targets import Rules
from tests.alerts.letters import NOTICE, NOW, OPENING, end, facts, item, letter, notice
from tests.alerts.receivers import (
    Post,
    hanging_up,
    pagerduty,
    post_office,
    saying,
    slack,
    wrong_blocks,
)
from tests.outbound.receivers import (
    Answering,
    Authority,
    always,
    listening,
    nobodys_port,
    receiving,
    well,
)

RULES = Rules(read_allowed("allow", ("127.0.0.0/8", "localhost")), http=True)
KEY = "abcdefghijklmnopqrstuvwxyz012345"
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"  # noqa: S105 - of the specification's own page


def outlet(kind: ChannelKind, mailer: Mailer | None = None, **said: Any) -> Outlet:
    """What sends, to loopback too."""
    client = Client(RULES, bounds=Bounds(connect=1.0, total=1.0))
    return outlets(client, mailer, **said)[kind]


async def post(kind: ChannelKind, answer: Answering, of: Letter, **where: Any) -> tuple[Came, Any]:
    """Send to a receiver that answers so: what came of it, and what came there."""
    async with receiving(answer) as receiver:
        came = await outlet(kind).send({"url": receiver.url(), **where}, of)
        return came, receiver.came


async def test_slack_takes_what_we_send_and_it_has_text_and_blocks() -> None:
    came, [request] = await post(ChannelKind.SLACK, slack, letter())
    said = json.loads(request.body)

    assert (came.verdict, came.status, came.answer, came.doubt) == (Verdict.SENT, 200, "ok", None)
    assert said["text"].startswith("🔴 nightly-report failed 3 times in a row")
    assert [each["type"] for each in said["blocks"]] == [
        "header", "section", "section", "section", "actions", "context",
    ]  # fmt: skip
    assert "bank &lt;eu&gt; &amp; 'co' refused: 443" in json.dumps(said)


@pytest.mark.parametrize(
    "of",
    [
        notice(),
        notice(*(item(incident=f"{number:032}") for number in range(10)), count=10_000),
        notice(item(facts=facts(what="x" * 5_000, to_try=("y" * 5_000,) * 9))),
        notice(item(facts=facts(figures={f"<{n}>": "&" * 5_000 for n in range(40)}))),
        notice(item(note="`<!here>`", tells=Tells.NOTED, by="ann"), kind=NoticeKind.CHANGED),
        end(),
        notice(kind=NoticeKind.MORE, count=700),
        notice(kind=NoticeKind.REPEATED),
    ],
    ids=["one", "storm", "long", "figures", "note", "end", "more", "repeated"],
)  # fmt: skip
def test_whatever_a_notice_tells_slack_s_limits_are_kept(of: Any) -> None:
    assert wrong_blocks(body_of(letter(of, left=3))) is None


def test_a_template_is_the_whole_of_what_slack_shows() -> None:
    own = Options(title="{rule}!", text="<{name}> & {lasted}")
    said = body_of(letter(options=own))

    assert wrong_blocks(said) is None
    assert said["blocks"][0]["text"]["text"] == "🔴 failing!"
    assert said["blocks"][1]["text"]["text"] == "&lt;nightly-report&gt; &amp; 1h4m"


def test_a_template_that_cannot_be_filled_gives_way_to_the_plain_text_and_is_shown() -> None:
    broken = letter(options=Options(text="{of an older version}"))

    assert broken.text == letter().text
    assert "the plain text stands in" in (broken.fault or "")


@pytest.mark.parametrize(
    ("answer", "verdict"),
    [
        (saying("no_service", 404), Verdict.GONE),
        (saying("invalid_token", 403), Verdict.GONE),
        (saying("invalid_token", 400), Verdict.GONE),
        (saying("gone", 410), Verdict.GONE),
        (saying("invalid_blocks", 400), Verdict.REFUSED),
        (always(302, Location="https://elsewhere.example/"), Verdict.REFUSED),
        (always(500), Verdict.AGAIN),
        (always(429, Retry_After="30"), Verdict.AGAIN),
    ],
)
async def test_what_slack_answers_is_understood(answer: Answering, verdict: Verdict) -> None:
    came, _ = await post(ChannelKind.SLACK, answer, letter())

    assert came.verdict is verdict
    assert came.error is not None


async def test_a_receiver_that_asks_for_time_says_how_long() -> None:
    came, _ = await post(ChannelKind.SLACK, always(429, Retry_After="30"), letter())

    assert came.retry_after is not None
    assert came.retry_after.total_seconds() == 30


@pytest.mark.parametrize("answer", [saying("<html>welcome</html>"), hanging_up, well])
async def test_who_says_yes_without_slack_s_word_is_believed_and_doubted(answer: Answering) -> None:
    came, _ = await post(ChannelKind.SLACK, answer, letter())

    assert came.verdict is Verdict.SENT
    assert "is that Slack?" in (came.doubt or "")


async def test_a_receiver_that_does_not_answer_is_given_up_in_time() -> None:
    async with listening() as silent:
        where = {"url": f"http://127.0.0.1:{silent.port}/hook/secret-path"}
        came = await outlet(ChannelKind.SLACK).send(where, letter())

    assert came.verdict is Verdict.AGAIN
    assert "did not answer within 1 s" in (came.error or "")
    assert "secret-path" not in (came.error or "")


async def test_nobody_there_is_tried_again() -> None:
    where = {"url": f"http://127.0.0.1:{nobodys_port()}/"}

    assert (
        await outlet(ChannelKind.WEBHOOK).send({**where, "secret": SECRET}, letter())
    ).verdict is (Verdict.AGAIN)


async def test_what_a_receiver_says_of_its_own_url_is_not_kept() -> None:
    async def tell(request: Any) -> Any:
        return await saying(f"no such hook: {request.path}", 404)(request)

    async with receiving(tell) as receiver:
        where = {"url": receiver.url(path="/services/T0/B0/SECRET")}
        came = await outlet(ChannelKind.SLACK).send(where, letter())

    assert "SECRET" not in (came.answer or "")


async def test_a_webhook_is_verified_by_another_s_library() -> None:
    now = datetime.now(UTC)
    of = compose(notice(), Options(), now, environment="prod")
    _, [request] = await post(ChannelKind.WEBHOOK, well, of, secret=SECRET)

    said = Verifier(SECRET).verify(request.body, request.headers)

    assert request.headers["webhook-id"] == f"msg_{NOTICE}"
    assert said["type"] == "incident.opened"
    assert datetime.fromisoformat(said["timestamp"]) == NOW
    [incident] = said["data"]["incidents"]
    assert (incident["name"], incident["severity"]) == ("nightly-report", "error")
    assert len(request.body) < 20_000


async def test_a_long_webhook_tells_of_fewer_incidents() -> None:
    many = [item(facts=facts(what="x" * 5_000, to_try=("y" * 900,) * 5)) for _ in range(10)]
    _, [request] = await post(ChannelKind.WEBHOOK, well, letter(notice(*many)), secret=SECRET)

    assert len(request.body) <= 20_000
    assert json.loads(request.body)["data"]["count"] == 10


async def test_pagerduty_takes_a_trigger_and_its_end_under_one_key() -> None:
    async with receiving(pagerduty) as receiver:
        where = {"url": receiver.url(), "key": KEY}
        opening = notice(id=OPENING, thread=OPENING)
        acknowledged = notice(
            item(tells=Tells.ACKNOWLEDGED), kind=NoticeKind.CHANGED, thread=OPENING
        )
        sender = outlet(ChannelKind.PAGERDUTY)
        came = [await sender.send(where, letter(of)) for of in (opening, acknowledged, end())]
        said = [json.loads(each.body) for each in receiver.came]

    assert [each.verdict for each in came] == [Verdict.SENT] * 3
    assert [each.doubt for each in came] == [None] * 3
    assert [each["event_action"] for each in said] == ["trigger", "acknowledge", "resolve"]
    assert {each["dedup_key"] for each in said} == {f"onbeat:prod:failing:{OPENING}"}
    assert said[0]["payload"]["severity"] == "error"


def test_pagerduty_hears_of_an_end_when_nothing_of_its_alert_is_open() -> None:
    assert action_of(letter(end(), left=2)) is None
    assert action_of(letter(end(), left=0)) == "resolve"


async def test_a_test_leaves_no_alert_open_at_pagerduty() -> None:
    async with receiving(pagerduty) as receiver:
        where = {"url": receiver.url(), "key": KEY}
        await outlet(ChannelKind.PAGERDUTY).send(where, letter(notice(kind=NoticeKind.TEST)))
        actions = [json.loads(each.body)["event_action"] for each in receiver.came]

    assert actions == ["trigger", "resolve"]


@pytest.mark.parametrize(
    ("answer", "verdict", "has_doubt"),
    [
        (pagerduty, Verdict.GONE, False),
        (
            saying('{"status":"invalid event","message":"x","errors":[]}', 400),
            Verdict.REFUSED,
            False,
        ),
        (always(429), Verdict.AGAIN, False),
        (saying("{}", 202, "application/json"), Verdict.SENT, True),
        (saying("no JSON", 202), Verdict.SENT, True),
    ],
)
async def test_what_pagerduty_answers_is_understood(
    answer: Answering, verdict: Verdict, has_doubt: bool
) -> None:
    came, _ = await post(ChannelKind.PAGERDUTY, answer, letter(), key="wrong")

    assert (came.verdict, came.doubt is not None) == (verdict, has_doubt)


def mailer(post: Post, scheme: str = "smtp+plain", who: str = "") -> Mailer:
    """One that sends to that server."""
    found = Mailer.read(f"{scheme}://{who}localhost:{post.port}", "Onbeat <onbeat@shop.example>")
    assert found is not None
    return found


async def test_an_e_mail_has_text_and_html_and_is_in_the_thread_of_its_opening() -> None:
    to = {"to": ["ann@example.com", "Ben <ben@example.com>"]}
    async with post_office() as post:
        sender = outlet(ChannelKind.EMAIL, mailer(post))
        opening = await sender.send(to, letter(notice(id=OPENING, thread=OPENING)))
        again = await sender.send(to, letter(notice(id=OPENING, thread=OPENING)))
        await sender.send(to, letter(end()))
    first, second, over = post.came

    assert (opening.verdict, opening.status, again.verdict) == (Verdict.SENT, 250, Verdict.SENT)
    assert post.to[0] == ["ann@example.com", "ben@example.com"]
    assert first["Message-ID"] == second["Message-ID"] == f"<{OPENING}@shop.example>"
    assert over["In-Reply-To"] == over["References"] == first["Message-ID"]
    assert over["Message-ID"] != first["Message-ID"]
    assert first["Auto-Submitted"] == "auto-generated"
    assert first["Subject"] == "🔴 nightly-report failed 3 times in a row"
    text, html = first.get_body(("plain",)), first.get_body(("html",))
    assert text is not None
    assert html is not None
    assert "ConnectionError: bank <eu> & `co` refused: 443" in text.get_content()
    assert "\xa0" not in text.get_content()
    assert "bank &lt;eu&gt; &amp; `co` refused" in html.get_content()


async def test_mail_goes_encrypted_and_with_a_password(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    tls = authority.serving("localhost")
    async with post_office(tls, user=("ann", "s3cr:t")) as post:
        known = mailer(post, "smtp", "ann:s3cr%3At@")
        right = await outlet(ChannelKind.EMAIL, known, tls=authority.trusting()).send(
            {"to": ["a@example.com"]}, letter()
        )
        wrong = await outlet(
            ChannelKind.EMAIL, mailer(post, "smtp", "ann:no@"), tls=authority.trusting()
        ).send({"to": ["a@example.com"]}, letter())
        distrusted = await outlet(ChannelKind.EMAIL, known).send({"to": ["a@x.org"]}, letter())

    assert (right.verdict, right.error) == (Verdict.SENT, None)
    assert (wrong.verdict, wrong.status) == (Verdict.AGAIN, 535)
    assert distrusted.verdict is Verdict.AGAIN
    assert "s3cr:t" not in repr(known)


@pytest.mark.parametrize(
    ("answer", "verdict", "status"),
    [("550 no such user", Verdict.REFUSED, 550), ("451 greylisted", Verdict.AGAIN, 451)],
)
async def test_what_a_mail_server_answers_is_understood(
    answer: str, verdict: Verdict, status: int
) -> None:
    async with post_office() as post:
        post.refuses["a@example.com"] = answer
        sender = outlet(ChannelKind.EMAIL, mailer(post))
        refused = await sender.send({"to": ["a@example.com"]}, letter())
        in_part = await sender.send({"to": ["a@example.com", "b@example.com"]}, letter())
        post.answer = answer
        later = await sender.send({"to": ["b@example.com"]}, letter())

    assert (refused.verdict, refused.status) == (verdict, status)
    assert (in_part.verdict, in_part.doubt) == (
        Verdict.SENT, "it was not taken for a@example.com",
    )  # fmt: skip
    assert (later.verdict, later.status) == (verdict, status)


async def test_a_mail_server_that_hangs_up_is_tried_again() -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    async with listening(talk) as silent:
        came = await outlet(ChannelKind.EMAIL, mailer(Post(silent.port))).send(
            {"to": ["a@example.com"]}, letter()
        )

    assert came.verdict is Verdict.AGAIN


def test_a_service_of_apprise_that_fails_is_told_by_its_kind_without_what_it_says() -> None:
    class Broken:
        def notify(self, **_: object) -> bool:
            raise ConnectionError("jsons://user:s3cret@host refused")

    assert notified(Broken(), {}) == "apprise failed with ConnectionError"


async def test_apprise_sends_in_a_thread_to_what_is_allowed() -> None:
    async with receiving() as receiver:
        sender = outlet(ChannelKind.APPRISE)
        where = await sender.read({"url": f"json://127.0.0.1:{receiver.port}/hook"})
        came = await sender.send(where, letter())
        [request] = receiver.came
    failed = await sender.send(where, letter())

    assert came.verdict is Verdict.SENT
    assert json.loads(request.body)["title"] == "🔴 nightly-report failed 3 times in a row"
    assert failed.verdict is Verdict.AGAIN
    assert sender.shown(where) == "json://…"


@pytest.mark.parametrize(
    ("kind", "given", "field"),
    [
        (ChannelKind.SLACK, {}, "url"),
        (ChannelKind.SLACK, {"url": "ftp://x.example/"}, "url"),
        (ChannelKind.SLACK, {"url": "http://169.254.169.254/latest"}, "url"),
        (ChannelKind.SLACK, {"url": "https://hooks.example/", "key": KEY}, "key"),
        (ChannelKind.WEBHOOK, {"url": "http://127.0.0.1:8080/", "secret": "whsec_x"}, "secret"),
        (ChannelKind.PAGERDUTY, {"key": "short"}, "key"),
        (ChannelKind.EMAIL, {"to": "ann@example.com"}, "to"),
        (ChannelKind.EMAIL, {"to": ["ann"]}, "to"),
        (ChannelKind.EMAIL, {"to": ["a@example.com\nBcc: b@example.com"]}, "to"),
        (ChannelKind.APPRISE, {"url": "file:///etc/passwd"}, "url"),
        (ChannelKind.APPRISE, {"url": "syslog://"}, "url"),
        (ChannelKind.APPRISE, {"url": "ntfys://10.0.0.1/topic"}, "url"),
    ],
)
async def test_what_leads_nowhere_is_refused_by_name(
    kind: ChannelKind, given: Mapping[str, Any], field: str
) -> None:
    server = Mailer.read("smtp+plain://localhost", "onbeat@example.com")
    with pytest.raises(InvalidInput) as refused:
        await outlet(kind, server).read(given)

    assert refused.value.field == field


@pytest.mark.parametrize(
    ("url", "sender", "setting"),
    [
        ("http://mail", "a@example.com", "ONBEAT_SMTP"),
        ("smtp://u:hunter2@host:x", "a@example.com", "ONBEAT_SMTP"),
        ("smtp://mail", None, "ONBEAT_SMTP_FROM"),
        ("smtp://mail", "nobody", "ONBEAT_SMTP_FROM"),
    ],
)
def test_a_server_for_mail_that_is_none_is_refused_by_name(
    url: str, sender: str | None, setting: str
) -> None:
    with pytest.raises(InvalidSetting, match=setting) as refused:
        Mailer.read(url, sender)

    assert "hunter2" not in str(refused.value)


async def test_without_a_server_there_is_no_channel_for_mail() -> None:
    with pytest.raises(InvalidInput, match="kind: e-mail is not set up: give ONBEAT_SMTP"):
        await outlet(ChannelKind.EMAIL).read({"to": ["ann@example.com"]})


async def test_nothing_of_a_secret_is_shown() -> None:
    shown = [
        outlet(ChannelKind.SLACK).shown({"url": "https://hooks.slack.com/services/T/B/SECRET"}),
        outlet(ChannelKind.PAGERDUTY).shown({"url": EVENTS, "key": "SECRET"}),
        outlet(ChannelKind.APPRISE).shown({"url": "tgram://SECRET/1"}),
    ]

    assert shown == [
        "https://hooks.slack.com/…", "https://events.pagerduty.com/…", "tgram://…",
    ]  # fmt: skip


def test_a_notice_of_several_says_the_error_of_each_and_what_shows_them() -> None:
    of = letter(notice(item(), item(name="charge")))

    assert all("ConnectionError: bank <eu>" in each for each in of.lines)
    assert of.to_try == ("onbeat incidents ls --rule failing",)


def test_a_notice_of_ends_has_nothing_to_try() -> None:
    assert letter(end()).to_try == ()


def test_of_what_never_completed_a_notice_says_so() -> None:
    of = letter(notice(item(facts=facts(last_good_at=None))))

    assert ("Last good run", "none on record") in of.figures


def test_a_notice_says_on_which_day_something_was_changed() -> None:
    assert ("Changed", "its arguments (2027-01-04 06:00:00 UTC)") in letter().figures


def test_a_webhook_names_the_kind_of_error() -> None:
    [told] = json.loads(webhook_body(letter()))["data"]["incidents"]

    assert told["error"].startswith("ConnectionError: ")


def test_a_resolved_notice_says_how_long_it_was_and_what_is_open_still() -> None:
    of = letter(end(), left=3)

    assert of.title == "Resolved: nightly-report failed 3 times in a row"
    assert ("Lasted", "1h4m") in of.figures
    assert "3 that were told with it are open still" in of.text
    assert of.sign == "🟢"
    assert letter(notice(severity=Severity.CRITICAL)).sign == "🚨"


@pytest.mark.parametrize("good", [None, datetime(2027, 1, 4, 5, tzinfo=UTC)])
def test_a_notice_that_it_is_over_does_not_say_that_nothing_completed(
    good: datetime | None,
) -> None:
    of = letter(notice(item(facts=facts(last_good_at=good), resolved_at=NOW)))

    wanted = [] if good is None else [("Last good run before", "2027-01-04 05:00:00 UTC")]
    assert [each for each in of.figures if each[0].startswith("Last good run")] == wanted
