"""Messages to webhooks: their ids, what they say, their signatures, what an answer means."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime, timedelta
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onbeat.domain.errors import InvalidInput
from onbeat.domain.jobs import JobId, made_at
from onbeat.domain.states import State
from onbeat.domain.webhooks import (
    DELAYS,
    RETRY,
    EventType,
    InvalidSignature,
    JobEnd,
    Verdict,
    delay_after,
    delivery_id,
    headers_of,
    judge,
    message_of,
    read_events,
    read_secret,
    sign,
    verify,
    write_secret,
)

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
MESSAGE = "msg_p5jXN8AQM9LWM0D4loKWxJek"
BODY = b'{"test": 2432232314}'
SENT = 1614265330
SIGNATURE = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
"""A vector of the specification's reference implementations."""

OTHER = write_secret(bytes(range(32)))
NOON = datetime(2030, 6, 15, 12, tzinfo=UTC)
OURS = b'{"type":"job.completed","timestamp":"2030-06-15T12:00:00Z","data":{"job":"1"}}'


def end(**fields: object) -> JobEnd:
    plain = {
        "job": JobId("0190" * 8), "task": "send", "schedule": None, "state": State.COMPLETED,
        "attempts": 1, "finished_at": NOON,
    }  # fmt: skip
    return JobEnd(**{**plain, **fields})  # type: ignore[arg-type]


def signed(
    body: bytes = OURS, at: datetime = NOON, secrets: tuple[str, ...] = (SECRET,)
) -> dict[str, str]:
    return headers_of(MESSAGE, at, body, secrets)


def test_a_signature_is_that_of_the_reference_implementations() -> None:
    assert sign(SECRET, MESSAGE, SENT, BODY) == SIGNATURE


def test_the_headers_are_those_of_the_specification() -> None:
    at = datetime.fromtimestamp(SENT, UTC)

    assert headers_of(MESSAGE, at, BODY, [SECRET]) == {
        "webhook-id": MESSAGE, "webhook-timestamp": str(SENT), "webhook-signature": SIGNATURE,
    }  # fmt: skip


def test_a_message_that_was_signed_is_verified_and_read() -> None:
    received = verify(OURS, signed(), SECRET, NOON)

    assert (received.id, received.type, received.data) == (MESSAGE, "job.completed", {"job": "1"})
    assert received.timestamp == NOON


def test_names_of_headers_are_taken_in_any_case() -> None:
    headers = {name.title(): value for name, value in signed().items()}

    assert verify(OURS.decode(), headers, SECRET, NOON).id == MESSAGE


def test_while_a_secret_is_exchanged_each_of_both_verifies() -> None:
    headers = signed(secrets=(OTHER, SECRET))

    assert len(headers["webhook-signature"].split(" ")) == 2
    assert verify(OURS, headers, SECRET, NOON) == verify(OURS, headers, OTHER, NOON)


def test_a_receiver_may_try_several_secrets() -> None:
    assert verify(OURS, signed(), [OTHER, SECRET], NOON).id == MESSAGE


def test_signatures_of_other_kinds_are_passed_over() -> None:
    headers = signed()
    others = "v1,Ceo5qEr07ixe2NLpvHk3FH9bwy/WavXrAFQ/9tdO6mc= v2,Ceo5q v1a,hnO3f9T8Ytu9HwrXslvumlUp"
    headers["webhook-signature"] = f"{others} {headers['webhook-signature']} v1,AAAA"

    assert verify(OURS, headers, SECRET, NOON).id == MESSAGE


@pytest.mark.parametrize("name", ["webhook-id", "webhook-timestamp", "webhook-signature"])
def test_a_header_that_is_missing_is_named(name: str) -> None:
    headers = signed()
    del headers[name]

    with pytest.raises(InvalidSignature, match=name):
        verify(OURS, headers, SECRET, NOON)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("webhook-id", "msg_another"),
        ("webhook-id", "msg.1"),
        ("webhook-id", "msg_é"),
        ("webhook-timestamp", "hello"),
        ("webhook-timestamp", "1e9"),
        ("webhook-timestamp", "١٢٣"),
        ("webhook-timestamp", "9" * 400),
        ("webhook-signature", "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OA="),
        ("webhook-signature", "v1"),
        ("webhook-signature", "\udcff"),
    ],
)
def test_a_header_that_was_changed_does_not_verify(name: str, value: str) -> None:
    with pytest.raises(InvalidSignature):
        verify(OURS, {**signed(), name: value}, SECRET, NOON)


@given(st.binary(max_size=60), st.integers(min_value=0, max_value=10**6))
def test_a_body_that_was_changed_does_not_verify(body: bytes, place: int) -> None:
    headers = signed(body)
    changed = bytearray(body or b"x")
    changed[place % len(changed)] ^= 1

    with pytest.raises(InvalidSignature, match="no signature fits"):
        verify(bytes(changed), headers, SECRET, NOON)


def test_one_who_knows_another_secret_does_not_verify() -> None:
    with pytest.raises(InvalidSignature, match="no signature fits"):
        verify(OURS, signed(secrets=(OTHER,)), SECRET, NOON)


def test_what_was_signed_for_another_moment_does_not_verify() -> None:
    headers = signed()
    headers["webhook-timestamp"] = str(int(headers["webhook-timestamp"]) + 1)

    with pytest.raises(InvalidSignature, match="no signature fits"):
        verify(OURS, headers, SECRET, NOON)


@pytest.mark.parametrize("seconds", [-300, 0, 300])
def test_a_message_is_good_for_five_minutes_either_way(seconds: int) -> None:
    assert verify(OURS, signed(), SECRET, NOON + timedelta(seconds=seconds)).id == MESSAGE


@pytest.mark.parametrize(("seconds", "told"), [(301, "old"), (-301, "in the future")])
def test_a_message_outside_of_that_is_refused_and_says_by_how_much(seconds: int, told: str) -> None:
    with pytest.raises(InvalidSignature, match=f"301 s {told}"):
        verify(OURS, signed(), SECRET, NOON + timedelta(seconds=seconds))


def test_what_is_signed_and_no_message_of_ours_is_named() -> None:
    with pytest.raises(InvalidInput, match="body: it is no message of ours"):
        verify(BODY, signed(BODY), SECRET, NOON)


@pytest.mark.parametrize("size", [24, 32, 64])
def test_a_secret_is_read_as_it_was_written(size: int) -> None:
    key = bytes(range(size))

    assert read_secret(write_secret(key)) == key


@pytest.mark.parametrize(
    ("secret", "told"),
    [
        ("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "does not begin"),
        ("whsec_", "0 bytes"),
        ("whsec_!!!!", "no base64"),
        (write_secret(bytes(23)), "23 bytes"),
        (write_secret(bytes(65)), "65 bytes"),
    ],
)
def test_a_secret_that_is_none_is_told_without_it(secret: str, told: str) -> None:
    with pytest.raises(
        InvalidInput, match=f"^secret: .*{told}.*; give whsec_ and base64"
    ) as caught:
        read_secret(secret)

    assert len(secret) < 10 or secret not in str(caught.value)


def test_a_message_tells_of_an_end_and_neither_arguments_nor_what_an_error_says() -> None:
    failed = end(state=State.FAILED, attempts=3, schedule="nightly", error="OSError",
                 error_class="transient")  # fmt: skip

    message = message_of(failed)

    assert message.type == "job.failed"
    assert json.loads(message.body) == {
        "type": "job.failed",
        "timestamp": "2030-06-15T12:00:00Z",
        "data": {
            "job": failed.job, "task": "send", "schedule": "nightly", "state": "failed",
            "attempts": 3, "finished_at": "2030-06-15T12:00:00Z", "error": "OSError",
            "error_class": "transient",
        },
    }  # fmt: skip


def test_an_end_has_one_message_id_and_another_end_another() -> None:
    again = end(finished_at=NOON + timedelta(microseconds=1))

    assert message_of(end()) == message_of(end())
    assert message_of(again).id != message_of(end()).id
    assert "." not in message_of(end()).id


def test_an_end_makes_one_delivery_for_each_webhook_with_an_id_of_that_moment() -> None:
    first, same, other = (delivery_id(end(), hook) for hook in ("a", "a", "b"))

    assert first == same != other
    assert made_at(first) == NOON
    assert (first[12], first[16] in "89ab", len(first)) == ("7", True, 32)


@pytest.mark.parametrize(
    ("status", "verdict"),
    [
        (200, Verdict.DELIVERED), (204, Verdict.DELIVERED), (299, Verdict.DELIVERED),
        (101, Verdict.REFUSED), (301, Verdict.REFUSED), (302, Verdict.REFUSED),
        (400, Verdict.REFUSED), (401, Verdict.REFUSED), (404, Verdict.REFUSED),
        (408, Verdict.AGAIN), (409, Verdict.AGAIN), (410, Verdict.GONE), (425, Verdict.AGAIN),
        (429, Verdict.AGAIN), (500, Verdict.AGAIN), (503, Verdict.AGAIN), (599, Verdict.AGAIN),
    ],
)  # fmt: skip
def test_what_an_answer_means(status: int, verdict: Verdict) -> None:
    assert judge(status) is verdict


def test_delays_are_those_of_the_specification_and_up_to_a_tenth_more() -> None:
    drawn = [delay_after(attempt, Random(attempt)) for attempt in range(1, 10)]

    assert all(plain <= delay < plain * 1.1 for plain, delay in zip(DELAYS, drawn, strict=True))
    assert sum(DELAYS, timedelta()) == timedelta(hours=75, minutes=35, seconds=5)
    assert delay_after(100, Random(1)) >= DELAYS[-1]


def test_the_product_s_own_delay_never_holds_up_a_delivery() -> None:
    assert RETRY.attempts == 10
    assert all(RETRY.plain_delay(n + 1) <= delay for n, delay in enumerate(DELAYS))


def test_events_are_read_each_once_and_all_where_none_is_named() -> None:
    assert read_events(()) == tuple(EventType)
    assert read_events(["job.failed", "job.failed"]) == (EventType.FAILED,)


@pytest.mark.parametrize("events", [["job.begun"], "job.failed"])
def test_an_event_that_is_not_known_is_refused_with_those_that_are(events: list[str]) -> None:
    with pytest.raises(InvalidInput, match=r"^events: .*give"):
        read_events(events)


def test_a_secret_s_base64_is_of_the_standard_alphabet() -> None:
    key = b"\xff" * 32

    assert write_secret(key) == "whsec_" + base64.b64encode(key).decode()
