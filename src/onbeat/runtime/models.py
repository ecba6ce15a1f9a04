"""Values that msgspec does not know, to JSON and back: pydantic models, and hidden values."""

from __future__ import annotations

import base64
from dataclasses import fields, is_dataclass
from typing import Any, get_args, get_origin

import msgspec

from onbeat.domain.secrets import HIDDEN
from onbeat.runtime.secret_places import hides_its_value, holds_secrets, is_root_model


def is_model(kind: Any) -> bool:
    """Whether it is a pydantic model, or what has its two verbs."""
    return hasattr(kind, "model_validate") and hasattr(kind, "model_dump")


def encode_model(value: Any) -> Any:
    """What a value that JSON does not know becomes; what hides its value stays hidden."""
    return HIDDEN if hides_its_value(type(value)) else _encode(value)


def encode_for_worker(value: Any) -> Any:
    """The same with hidden values as they are: they are what the worker needs."""
    if hides_its_value(type(value)):
        return value.get_secret_value()
    encoded = _encode(value)
    if is_model(type(value)) and holds_secrets(type(value)):
        return _revealed(value, encoded)
    return encoded


def _encode(value: Any) -> Any:
    if is_model(type(value)):
        # By the names of its fields, without what is computed: so that it can be read again.
        return value.model_dump(mode="json", round_trip=True, by_alias=False)
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: getattr(value, field.name) for field in fields(value)}
    raise TypeError(f"Encoding objects of type {type(value).__name__} is unsupported")


def _revealed(value: Any, dumped: Any) -> Any:
    """`dumped` with the values that pydantic has hidden in it."""
    if hides_its_value(type(value)):
        hidden = value.get_secret_value()
        return hidden.decode() if isinstance(hidden, bytes) else hidden
    if is_root_model(type(value)):
        return _revealed(value.root, dumped)
    if isinstance(dumped, dict):
        inner = list(value.values()) if isinstance(value, dict) else None
        return {
            name: _revealed(inner[i] if inner is not None else getattr(value, name, None), each)
            for i, (name, each) in enumerate(dumped.items())
        }
    if isinstance(dumped, list):
        return [_revealed(one, each) for one, each in zip(value, dumped, strict=True)]
    return dumped


def decode_model(kind: Any, value: Any) -> Any:
    """A value of a type that JSON does not know."""
    if is_model(kind):
        text = msgspec.json.encode(value)
        try:
            return kind.model_validate_json(text, by_alias=True, by_name=True)
        except TypeError:  # pydantic before 2.11 cannot do both
            return kind.model_validate_json(text)
    if hides_its_value(kind):
        return kind(_hidden_value(kind, value))
    raise TypeError(f"{kind} cannot be read from JSON")


def _hidden_value(kind: Any, value: Any) -> Any:
    """What a type such as pydantic's Secret[date] hides, from its JSON."""
    own = get_origin(kind) or kind
    if any(base.__name__ == "SecretBytes" for base in own.__mro__):
        return base64.b64decode(value)
    for base in (kind, *getattr(own, "__orig_bases__", ())):
        if hides_its_value(get_origin(base)) and get_args(base):
            return msgspec.convert(value, get_args(base)[0], strict=False, dec_hook=decode_model)
    return value
