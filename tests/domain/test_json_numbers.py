"""Large floats are written out, so that a database that counts in decimals keeps them floats."""

from __future__ import annotations

import json
import math
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from onbeat.domain.json_numbers import steady

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text()
    | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)  # fmt: skip


@given(VALUES)
def test_what_it_says_stays_the_same(value: Any) -> None:
    encoded = msgspec.json.encode(value)

    for decode in (msgspec.json.decode, json.loads):
        read = decode(steady(encoded))
        assert repr(read) == repr(decode(encoded)).replace("-0.0", "0.0") or read == value
        assert type(read) is type(value)


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_no_float_looks_like_a_whole_number_to_a_database(value: float) -> None:
    text = steady(msgspec.json.encode([value]))[1:-1]

    # As a decimal it is whole only where it has a fraction of zero.
    assert b"." in text or b"e-" in text
    assert msgspec.json.decode(text) == value


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b"1e22", b"10000000000000000000000.0"),
        (b"[-1.5e16]", b"[-15000000000000000.0]"),
        (b'{"a":-0.0,"-0.0":[0.0,-0.0]}', b'{"a":0.0,"-0.0":[0.0,0.0]}'),
        (rb'["1e22",":1e22","\":-0.0",1e-7,-0.05]', rb'["1e22",":1e22","\":-0.0",1e-7,-0.05]'),
        (b'{"a":1,"b":2.5}', b'{"a":1,"b":2.5}'),
    ],
)
def test_numbers_alone_are_changed(before: bytes, after: bytes) -> None:
    assert steady(before) == after


def test_zero_has_no_sign() -> None:
    assert math.copysign(1, msgspec.json.decode(steady(msgspec.json.encode(-0.0)))) == 1
