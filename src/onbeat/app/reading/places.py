"""Places within arguments, as people and programs name them: customer.id=42."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from onbeat.domain.errors import InvalidInput
from onbeat.domain.job_filters import Scalar


def places(given: Sequence[str]) -> dict[str, Scalar]:
    """Places with what is there, from such texts. Raises InvalidInput."""
    found: dict[str, Scalar] = {}
    for text in given:
        path, sign, value = text.partition("=")
        if not sign:
            told = f"{text!r} has no =; give a place and what is there, as customer.id=42"
            raise InvalidInput("arg", told)
        if path in found:
            raise InvalidInput("arg", f"{path} is given twice; give one of them")
        found[path] = _value(value)
    return found


def _value(text: str) -> Scalar:
    """The JSON value; where it is none, the text itself."""
    try:
        value: Scalar = msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError):
        return text
    return value
