"""A task's arguments as JSON: checked against the function's own types when a job is asked for,
and read back into those types when it runs.

JSON only, never pickle: what is stored cannot become code (CVE-2026-31072 is one of many that
came of the opposite). Dataclasses, msgspec structs, pydantic models, enums, dates, UUIDs and
Decimals go both ways.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from typing import Any, get_type_hints

import msgspec
from msgspec import inspect as msgspec_inspect

from onbeat.domain.errors import ArgumentsTooLarge, InvalidArguments, InvalidTask
from onbeat.domain.jobs import MAX_ARGUMENT_BYTES
from onbeat.domain.json_numbers import steady
from onbeat.domain.secrets import Path, Scrub, refuse_hidden
from onbeat.runtime.misfits import (
    culprit,
    holds_nul,
    largest_of,
    not_finite,
    told_of,
    too_large,
)
from onbeat.runtime.models import decode_model, encode_for_worker, is_model
from onbeat.runtime.secret_places import hides_its_value, secret_places
from onbeat.runtime.secret_values import default_values, secret_values

NUL = rb"\u0000"
"""PostgreSQL's jsonb cannot hold it; both engines refuse it, so that none surprises."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter of a task, as its jobs carry it."""

    name: str
    type: Any
    required: bool
    positional: bool
    default: Any = None
    """What it is where it is left out, if it is not required."""


class Arguments:
    """Encodes and decodes the arguments of one task."""

    def __init__(
        self, task: str, parameters: Sequence[Parameter], limit: int = MAX_ARGUMENT_BYTES
    ) -> None:
        """Prepare the codec. Raises InvalidTask for a type that JSON cannot carry."""
        self._task = task
        self.names = frozenset(p.name for p in parameters)
        """All arguments' names."""
        self._positional = tuple(p.name for p in parameters if p.positional)
        self._required = frozenset(p.name for p in parameters if p.required)
        self._has_defaults = len(self._required) < len(parameters)
        self._parameters = tuple(parameters)
        self._limit = limit
        self._encoder = msgspec.json.Encoder(enc_hook=encode_for_worker)
        self._decoder = msgspec.json.Decoder(_struct(task, parameters), dec_hook=decode_model)
        self._kinds = {p.name: p.type for p in parameters}
        self.secrets = secret_places(self._kinds)
        """Where its secrets are."""

    @cached_property
    def defaults(self) -> dict[str, Any]:
        """What those that may be left out are then, as JSON has it; without what JSON cannot."""
        found: dict[str, Any] = {}
        for parameter in self._parameters:
            if not parameter.required:
                with suppress(TypeError, ValueError, RecursionError, OverflowError):
                    text = self._encoder.encode(parameter.default)
                    found[parameter.name] = msgspec.json.decode(text)
        return found

    def encode(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> bytes:
        """JSON of the arguments by name. Raises InvalidArguments, ArgumentsTooLarge."""
        given = self.by_name(args, kwargs)
        encoded = b""
        try:
            encoded = steady(self._encoder.encode(given))
            self._decoder.decode(encoded)
        except Exception as error:  # a model may raise anything, and tell its secrets in it
            refusal = self._refusal(given, encoded, error)
        else:
            if len(encoded) > self._limit or NUL in encoded or b"null" in encoded:
                self._check_kept(given, encoded)
            if self.secrets:
                refuse_hidden(encoded, self.secrets)
            return encoded
        # Apart from the error itself, which may hold what was given.
        raise refusal

    def without(self, names: Collection[str]) -> Arguments:
        """The codec of the arguments but for `names`, which are known only when the job runs.

        Raises InvalidArguments.
        """
        for name in names:
            self._check_there(name)
        left = [each for each in self._parameters if each.name not in names]
        return Arguments(self._task, left, self._limit)

    def decode(self, text: str | bytes) -> dict[str, Any]:
        """The keyword arguments to call with. Raises InvalidArguments when they no longer fit."""
        try:
            struct = self._decoder.decode(text)
        except (msgspec.MsgspecError, ValueError, TypeError) as error:
            where, what = told_of(error)
            told = f"stored arguments no longer fit task {self._task!r}: {what} - at {where}"
            refusal = InvalidArguments("args", self._scrub_all(text).text(told))
        else:
            values = msgspec.structs.asdict(struct)
            if self._has_defaults:
                return {name: each for name, each in values.items() if each is not msgspec.UNSET}
            return values
        raise refusal

    def scrub(self, text: str | bytes, more: Iterable[Path] = ()) -> Scrub | None:
        """What hides the secrets of these arguments; `more` are places that were secret before."""
        places = dict.fromkeys((*self.secrets, *more))
        if not places:
            return None
        try:
            given = msgspec.json.decode(text)
        except msgspec.DecodeError:
            return Scrub()
        if isinstance(given, dict):
            given = self._secret_defaults | given
        return Scrub(secret_values(given, places))

    @cached_property
    def _secret_defaults(self) -> dict[str, Any]:
        """The defaults with secrets: in no job, and yet what it works with."""
        names = {place[0] for place in self.secrets}
        return {
            each.name: each.default
            for each in self._parameters
            if each.name in names and not each.required
        }

    def values_of_secrets(self, given: dict[str, Any], more: Iterable[Path] = ()) -> list[Any]:
        """What is secret in the arguments that a task is called with."""
        places = dict.fromkeys((*self.secrets, *more))
        return secret_values(self._secret_defaults | given, places)

    def secrets_by_default(self) -> list[Any]:
        """What may be secret in arguments that cannot be read: the defaults of their types."""
        return default_values(self._kinds) if self.secrets else []

    def _scrub_all(self, text: str | bytes, given: dict[str, Any] | None = None) -> Scrub:
        """What hides the secrets of arguments that do not fit: all that there might be."""
        scrub = self.scrub(text)
        if scrub is None:
            return Scrub()
        scrub.learn(self.secrets_by_default())
        if given is not None:
            scrub.learn(self.values_of_secrets(given))
        return scrub

    def by_name(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any]:
        """The arguments by name, not checked yet. Raises InvalidArguments."""
        if len(args) > len(self._positional):
            raise InvalidArguments(
                "args", f"{self._task} takes {len(self._positional)} positional arguments, "
                f"{len(args)} were given",
            )  # fmt: skip
        given = dict(zip(self._positional, args, strict=False))
        for name, value in kwargs.items():
            if name in given:
                raise InvalidArguments(name, "it is given twice, by position and by name")
            self._check_there(name)
            given[name] = value
        missing = self._required - given.keys()
        if missing:
            raise InvalidArguments(sorted(missing)[0], f"it is missing; {self._shown()}")
        return given

    def _check_there(self, name: str) -> None:
        if name not in self.names:
            raise InvalidArguments(name, f"{self._task} has no such argument; {self._shown()}")

    def _shown(self) -> str:
        return f"it takes ({', '.join(p.name for p in self._parameters)})"

    def _refusal(self, given: dict[str, Any], encoded: bytes, error: Exception) -> InvalidArguments:
        """Name the argument that cannot be encoded, or that has the wrong type, and where in it."""
        hide = self._scrub_all(encoded, given).text
        if not encoded:
            where, value, why = culprit(given, self._encoder.encode)
            told = "" if self.secrets else f" ({why})"
            return InvalidArguments(
                hide(where), f"{type(value).__name__} cannot be stored as JSON{told}; give plain "
                "values, a dataclass, a msgspec struct or a pydantic model",
            )  # fmt: skip
        where, what = told_of(error)
        return InvalidArguments(hide(where), f"{hide(what)}; {self._shown()}")

    def _check_kept(self, given: dict[str, Any], encoded: bytes) -> None:
        if len(encoded) > self._limit:
            largest, size = largest_of(given, self._encoder.encode)
            told = too_large(len(encoded), self._limit)
            raise ArgumentsTooLarge(largest, f"it has {size} bytes, the largest share of {told}")
        if NUL in encoded:
            where = self._scrub_all(encoded, given).text(holds_nul(given) or "args")
            raise InvalidArguments(where, "text holds a NUL character; remove it")
        if (infinite := not_finite(given)) is not None:
            where = self._scrub_all(encoded, given).text(infinite)
            raise InvalidArguments(
                where, "JSON has no NaN and no infinity; give None, a Decimal or text"
            )


def parameters_of(task: str, function: Callable[..., Any], skip: int) -> list[Parameter]:
    """The parameters after the first `skip`. Raises InvalidTask for *args, **kwargs, ….

    Annotations that cannot be resolved are left unchecked, as if they were not there.
    """
    hints = _hints(task, function)
    found = []
    for parameter in list(inspect.signature(function).parameters.values())[skip:]:
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
            raise InvalidTask(
                parameter.name, f"{task}: *args and **kwargs cannot be stored; name the arguments"
            )
        if parameter.kind is parameter.POSITIONAL_ONLY:
            raise InvalidTask(
                parameter.name, f"{task}: jobs carry arguments by name; remove the / behind it"
            )
        found.append(
            Parameter(
                parameter.name,
                hints.get(parameter.name, Any),
                parameter.default is parameter.empty,
                parameter.kind is not parameter.KEYWORD_ONLY,
                parameter.default,
            )
        )
    return found


def _hints(task: str, function: Callable[..., Any]) -> Mapping[str, Any]:
    try:
        return get_type_hints(function, include_extras=True)
    except NameError as error:
        raise InvalidTask(
            str(error.name), f"{task}: the annotation cannot be resolved ({error}); import it at "
            "run time, not only under TYPE_CHECKING",
        ) from None  # fmt: skip


def _struct(task: str, parameters: Sequence[Parameter]) -> type[msgspec.Struct]:
    rows: list[Any] = []
    for parameter in sorted(parameters, key=lambda p: not p.required):
        _check_type(task, parameter)
        if parameter.required:
            rows.append((parameter.name, parameter.type))
        else:
            rows.append((parameter.name, parameter.type | msgspec.UnsetType, msgspec.UNSET)
                        if parameter.type is not Any
                        else (parameter.name, Any, msgspec.UNSET))  # fmt: skip
    return msgspec.defstruct("Arguments", rows, forbid_unknown_fields=True, kw_only=True)


def _check_type(task: str, parameter: Parameter) -> None:
    try:
        found = msgspec_inspect.type_info(parameter.type)
    except Exception as error:
        raise InvalidTask(parameter.name, f"{task}: {error}") from None
    for part in _parts(found):
        if isinstance(part, msgspec_inspect.CustomType) and not _is_known(part.cls):
            raise InvalidTask(
                parameter.name, f"{task}: {part.cls.__name__} cannot be stored as JSON; give a "
                "dataclass, a msgspec struct or a pydantic model",
            )  # fmt: skip


def _is_known(kind: Any) -> bool:
    return is_model(kind) or hides_its_value(kind)


def _parts(found: Any, depth: int = 0) -> list[Any]:
    """A described type and the types it is made of, a few levels down."""
    parts = [found]
    if depth < 6 and isinstance(found, msgspec.Struct):
        for name in found.__struct_fields__:
            inner = getattr(found, name)
            for each in inner if isinstance(inner, tuple) else (inner,):
                if isinstance(each, msgspec.Struct):
                    parts += _parts(each, depth + 1)
    return parts


def read_result(function: Callable[..., Any], text: str) -> Any:
    """A stored result as the function's return type, or as plain JSON where that has no type."""
    plain = msgspec.json.decode(text)
    try:
        return msgspec.convert(plain, returned_by(function), strict=False, dec_hook=decode_model)
    except (TypeError, ValueError):
        return plain


def returned_by(function: Callable[..., Any]) -> Any:
    """The type a function says that it returns."""
    try:
        return get_type_hints(function, include_extras=True).get("return", Any)
    except (TypeError, NameError):
        return Any
