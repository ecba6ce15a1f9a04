"""Messages from outside: which mapping is for which, and what it makes of one."""

from __future__ import annotations

import fnmatch
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from onbeat.domain.errors import InvalidInput
from onbeat.domain.sources.actions import Advance, Enqueue, Pause, Resume, Trigger
from onbeat.domain.sources.mappings import Mapped, names_of
from onbeat.domain.sources.messages import (
    LARGEST,
    Body,
    DoesNotFit,
    Field,
    Message,
    Pattern,
    field_of,
)
from onbeat.domain.sources.readings import duration_of, moment_of

ADVANCED = "campaign.{id}.worldTimeAdvanced"
MOMENT = datetime(2030, 1, 1, 6, tzinfo=UTC)


def message(said: Any = None, channel: str = "campaign.7.worldTimeAdvanced") -> Message:
    body = said if isinstance(said, bytes) else msgspec.json.encode(said)
    return Message(id="m-1", channel=channel, body=body)


@pytest.mark.parametrize(
    ("channel", "parts"),
    [
        ("campaign.7.worldTimeAdvanced", {"id": "7"}),
        ("campaign.a-b_c.worldTimeAdvanced", {"id": "a-b_c"}),
        ("campaign.7.entityModified", None),
        ("campaign..worldTimeAdvanced", None),
        ("campaign.7.8.worldTimeAdvanced", None),
        ("campaign.7:8.worldTimeAdvanced", None),
        ("campaign.7.worldTimeAdvanced\n", None),
        ("my.campaign.7.worldTimeAdvanced", None),
    ],
)
def test_a_pattern_names_the_parts_of_a_channel(channel: str, parts: dict[str, str] | None) -> None:
    assert Pattern(ADVANCED).parts(channel) == parts


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ("campaign.{}", "brace"),
        ("campaign.{1}", "brace"),
        ("campaign.}x{", "brace"),
        ("{id}.{id}", "two parts alike"),
        ("", "not a name"),
    ],
)
def test_a_pattern_that_cannot_be_read_is_refused(wrong: str, told: str) -> None:
    with pytest.raises(InvalidInput, match=told):
        Pattern(wrong)


WORDS = st.text(st.characters(exclude_characters=".:/", categories=["L", "N", "P"]), min_size=1)


@given(WORDS)
def test_what_a_pattern_means_its_glob_means_too(word: str) -> None:
    pattern = Pattern("a.{one}:{two}/z")
    channel = f"a.{word}:{word}/z"

    assert pattern.parts(channel) == {"one": word, "two": word}
    assert fnmatch.fnmatchcase(channel, pattern.glob)


def test_what_is_special_to_redis_is_escaped_in_a_glob() -> None:
    assert Pattern("a*[b]?.{id}").glob == r"a\*\[b\]\?.*"


@pytest.mark.parametrize(
    ("kind", "told", "value"),
    [(int, "7", 7), (int, 7, 7), (float, "7.5", 7.5), (float, 7, 7.0), (str, 7, "7"),
     (str, 7.5, "7.5"), (str, "a", "a")],
)  # fmt: skip
def test_a_field_is_read_as_what_it_is_to_be(kind: Any, told: object, value: object) -> None:
    found = Field("id", as_=kind).read({"id": told})

    assert (found, type(found)) == (value, kind)


@pytest.mark.parametrize(
    ("kind", "told"), [(int, "a"), (int, 7.5), (int, "7.5"), (float, "x"), (int, True), (str, [])]
)
def test_a_field_that_cannot_be_read_so_does_not_fit(kind: Any, told: object) -> None:
    with pytest.raises(DoesNotFit, match="cannot be read as"):
        Field("id", as_=kind).read({"id": told})


BODY = {"a": {"b": [{"c": 1}, 2]}, "n": None, "text": '{"in": {"it": true}}', "plain": "words"}


@pytest.mark.parametrize(
    ("path", "value"),
    [("", BODY), ("a.b.0.c", 1), ("a.b.1", 2), ("n", None), ("text.in.it", True),
     ("plain", "words")],
)  # fmt: skip
def test_a_field_is_the_value_at_its_path(path: str, value: object) -> None:
    assert Field(path).read(BODY) == value


@pytest.mark.parametrize("path", ["b", "a.b.2", "a.b.c", "a.b.-1", "plain.x", "n.x", "a.b.0.c.d"])
def test_a_message_without_the_field_does_not_fit(path: str) -> None:
    with pytest.raises(DoesNotFit, match=path):
        Field(path).read(BODY)

    assert Field(path, "else").read(BODY) == "else"


def test_an_action_is_filled_with_what_channel_and_message_have() -> None:
    mapped = Mapped(
        "campaign.{id}.entityModified",
        Enqueue(
            "settle",
            args={"campaign": "{id}", "entity": field_of("entity.id"), "all": [field_of(), 1]},
            key=field_of("event_id"),
            owner="campaign-{id}",
        ),
    )
    said = {"entity": {"id": 42}, "event_id": "e-1"}

    filled = mapped.fill(message(said, "campaign.7.entityModified"))

    assert filled == Enqueue(
        "settle", args={"campaign": "7", "entity": 42, "all": [said, 1]}, key="e-1",
        owner="campaign-7",
    )  # fmt: skip


def test_all_of_a_message_may_be_the_arguments() -> None:
    mapped = Mapped(ADVANCED, Enqueue("settle", args=field_of("args")))

    assert mapped.fill(message({"args": {"a": 1}})) == Enqueue("settle", args={"a": 1})
    with pytest.raises(DoesNotFit, match="no arguments by name"):
        mapped.fill(message({"args": [1]}))


@pytest.mark.parametrize("body", [b"{", b"\xff", b"", b"[" * 100_000, b'"' + b"x" * LARGEST + b'"'])
def test_a_message_that_is_no_json_does_not_fit_where_a_field_is_needed(body: bytes) -> None:
    found = message(body)

    with pytest.raises(DoesNotFit):
        _ = Body(found).json

    assert Mapped(ADVANCED, Pause("growth", why="{id}")).fill(found) == Pause("growth", why="7")


def test_a_message_is_meant_by_its_channel_its_pattern_and_what_it_holds() -> None:
    mapped = Mapped(ADVANCED, Resume("growth"), {"kind": "resume", "at.place": 1})
    fits = message({"kind": "resume", "at": {"place": 1}})

    assert mapped.is_for(fits)
    assert not mapped.is_for(message({"kind": "pause", "at": {"place": 1}}))
    assert not mapped.is_for(message({"kind": "resume"}))
    assert not mapped.is_for(replace(fits, channel="other"))
    assert mapped.is_for(replace(fits, pattern="campaign.*.worldTimeAdvanced"))
    assert not mapped.is_for(replace(fits, pattern="campaign.*"))


@pytest.mark.parametrize(
    "action",
    [Enqueue("t", args={"a": ["{other}"]}), Advance("world/{other}", by="1h"),
     Trigger("s-{other}"), Pause("s", why="{other}")],
)  # fmt: skip
def test_a_part_that_the_pattern_does_not_name_is_refused(action: Any) -> None:
    with pytest.raises(InvalidInput, match=r"\{other\}"):
        Mapped(ADVANCED, action)


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (lambda: Advance("world"), "either to or by"),
        (lambda: Advance("world", to=field_of("t"), by="1h"), "either to or by"),
        (lambda: Advance("world", by="1h", create=True), "give to"),
        (lambda: Advance("wall", to=field_of("t")), "clock"),
        (lambda: Enqueue(1), "task"),  # type: ignore[arg-type] # as somebody may write it
        (lambda: Enqueue("t", args=[1]), "args"),
        (lambda: Enqueue("t", priority=11), "priority"),
        (lambda: Enqueue("t", within="soon"), "within"),
        (lambda: Trigger("two words"), "schedule"),
        (lambda: Mapped(ADVANCED, "enqueue"), "action"),  # type: ignore[arg-type] # as above
        (lambda: field_of(3), "path"),  # type: ignore[arg-type] # as above
    ],
)
def test_an_action_that_can_never_be_done_is_refused(make: Any, told: str) -> None:
    with pytest.raises(InvalidInput, match=told):
        make()


@pytest.mark.parametrize(
    "told",
    ["2030-01-01T06:00:00Z", "2030-01-01T07:00:00+01:00", MOMENT, MOMENT.timestamp(),
     str(int(MOMENT.timestamp()))],
)  # fmt: skip
def test_a_moment_is_read_as_it_is_told(told: object) -> None:
    assert moment_of(told) == MOMENT


@pytest.mark.parametrize(
    "told", ["2030-01-01T06:00:00", "soon", None, True, [], 1e300, float("nan"), "9" * 15]
)
def test_what_is_no_moment_does_not_fit(told: object) -> None:
    with pytest.raises(DoesNotFit):
        moment_of(told)


def test_a_duration_is_seconds_or_text() -> None:
    told = [3600, 3600.0, "3600", "1h", "PT1H"]

    assert {duration_of(each) for each in told} == {timedelta(hours=1)}


@pytest.mark.parametrize("told", [-1, "-1", "soon", None, True, 1e300, float("nan")])
def test_what_is_no_duration_does_not_fit(told: object) -> None:
    with pytest.raises(DoesNotFit):
        duration_of(told)


def test_a_mapping_is_known_by_what_it_does_wherever_it_stands() -> None:
    def mapped(pattern: str = "a.{id}", order: str = "id", **where: Any) -> Mapped:
        return Mapped(pattern, Enqueue("settle", args={"n": field_of(order), "by": "{id}"}), where)

    turned = Enqueue("settle", args={"by": "{id}", "n": field_of("id")}, priority=3)
    others = [
        mapped("b.{id}"), mapped(order="no"), mapped(kind=1),
        Mapped("a.{id}", Enqueue("other")), Mapped("a.{id}", Trigger("settle")),
        Mapped("a.{id}", Resume("settle")), Mapped("a.{id}", Enqueue("settle", args=field_of())),
        Mapped("a.{id}", Enqueue("settle", args=field_of(as_=int))),
    ]  # fmt: skip
    own = mapped().digest

    assert Mapped("a.{id}", turned).digest == own
    assert len({own, *(each.digest for each in others)}) == 1 + len(others)
    assert names_of([mapped(), others[0], mapped()])[::2] == [f"{own}/1", f"{own}/2"]


CARD = "4111 1111 1111 1111"


@pytest.mark.parametrize("sent", [CARD, [CARD], {"card": CARD}, True, None, 1e99])
def test_reasons_tell_the_kind_of_what_was_sent_and_never_the_value(sent: Any) -> None:
    mapped = Mapped("a", Enqueue("settle", args=field_of("args")))
    for read in (moment_of, duration_of):
        with pytest.raises(DoesNotFit) as refused:
            read(sent)
        assert "4111" not in str(refused.value)
        assert "1e+99" not in str(refused.value)
    if not isinstance(sent, dict):
        with pytest.raises(DoesNotFit) as refused:
            mapped.fill(message({"args": sent}, "a"))
        assert "4111" not in str(refused.value)
