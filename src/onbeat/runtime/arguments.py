"""A task's arguments as JSON: checked against the function's own types when a job is asked for,
and read back into those types when it runs.

JSON only, never pickle: what is stored cannot become code (CVE-2026-31072 is one of many that
came of the opposite). Dataclasses, msgspec structs, pydantic models, enums, dates, UUIDs and
Decimals go both ways.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from typing import Any, get_type_hints

import msgspec
from msgspec import inspect as msgspec_inspect

from onbeat.domain.errors import ArgumentsTooLarge, InvalidArguments, InvalidTask
from onbeat.domain.jobs import MAX_ARGUMENT_BYTES

NUL = rb"\u0000"
"""PostgreSQL's jsonb cannot hold it; both engines refuse it, so that none surprises."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter of a task, as its jobs carry it."""

    name: str
    type: Any
    required: bool
    positional: bool


class Arguments:
    """Encodes and decodes the arguments of one task."""

    def __init__(self, task: str, parameters: Sequence[Parameter]) -> None:
        """Prepare the codec. Raises InvalidTask for a type that JSON cannot carry."""
        self._task = task
        self._names = frozenset(p.name for p in parameters)
        self._positional = tuple(p.name for p in parameters if p.positional)
        self.names = self._names
        """All arguments' names."""
        self._required = frozenset(p.name for p in parameters if p.required)
        self._has_defaults = len(self._required) < len(parameters)
        self._parameters = tuple(parameters)
        self._encoder = msgspec.json.Encoder(enc_hook=encode_model)
        self._decoder = msgspec.json.Decoder(_struct(task, parameters), dec_hook=_decode_model)

    def encode(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> bytes:
        """JSON of the arguments by name. Raises InvalidArguments, ArgumentsTooLarge."""
        given = self._bind(args, kwargs)
        try:
            encoded = self._encoder.encode(given)
            self._decoder.decode(encoded)
        except (TypeError, ValueError, RecursionError, OverflowError) as error:
            raise self._refusal(given, error) from error
        self._check_size(encoded)
        return encoded

    def decode(self, text: str | bytes) -> dict[str, Any]:
        """The keyword arguments to call with. Raises InvalidArguments when they no longer fit."""
        try:
            struct = self._decoder.decode(text)
        except (msgspec.MsgspecError, ValueError, TypeError) as error:
            raise InvalidArguments(
                "args", f"stored arguments no longer fit task {self._task!r}: {error}"
            ) from error
        values = msgspec.structs.asdict(struct)
        if self._has_defaults:
            return {name: value for name, value in values.items() if value is not msgspec.UNSET}
        return values

    def _bind(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any]:
        if len(args) > len(self._positional):
            raise InvalidArguments(
                "args", f"{self._task} takes {len(self._positional)} positional arguments, "
                f"{len(args)} were given",
            )  # fmt: skip
        given = dict(zip(self._positional, args, strict=False))
        for name, value in kwargs.items():
            if name in given:
                raise InvalidArguments(name, "it is given twice, by position and by name")
            if name not in self._names:
                raise InvalidArguments(name, f"{self._task} has no such argument; {self._shown()}")
            given[name] = value
        missing = self._required - given.keys()
        if missing:
            raise InvalidArguments(sorted(missing)[0], f"it is missing; {self._shown()}")
        return given

    def _shown(self) -> str:
        return f"it takes ({', '.join(p.name for p in self._parameters)})"

    def _refusal(self, given: dict[str, Any], error: Exception) -> InvalidArguments:
        """Name the argument that cannot be encoded, or that has the wrong type."""
        for name, value in given.items():
            try:
                self._encoder.encode(value)
            except (TypeError, ValueError, RecursionError, OverflowError) as found:
                return InvalidArguments(
                    name, f"{type(value).__name__} cannot be stored as JSON ({found}); give plain "
                    "values, a dataclass, a msgspec struct or a pydantic model",
                )  # fmt: skip
        return InvalidArguments(_named_in(error) or "args", f"{error}; {self._shown()}")

    def _check_size(self, encoded: bytes) -> None:
        if len(encoded) > MAX_ARGUMENT_BYTES:
            raise ArgumentsTooLarge(
                "args", f"{len(encoded)} bytes of JSON, at most {MAX_ARGUMENT_BYTES} are taken; "
                "store the data elsewhere and give its address",
            )  # fmt: skip
        if NUL in encoded:
            raise InvalidArguments("args", "text holds a NUL character; remove it")


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
        if isinstance(part, msgspec_inspect.CustomType) and not _is_model(part.cls):
            raise InvalidTask(
                parameter.name, f"{task}: {part.cls.__name__} cannot be stored as JSON; give a "
                "dataclass, a msgspec struct or a pydantic model",
            )  # fmt: skip


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


def _is_model(kind: Any) -> bool:
    return hasattr(kind, "model_validate") and hasattr(kind, "model_dump")


def read_result(function: Callable[..., Any], text: str) -> Any:
    """A stored result as the function's return type, or as plain JSON where that has no type."""
    plain = msgspec.json.decode(text)
    try:
        kind = get_type_hints(function, include_extras=True).get("return", Any)
        return msgspec.convert(plain, kind, strict=False, dec_hook=_decode_model)
    except (TypeError, NameError, msgspec.ValidationError):
        return plain


def encode_model(value: Any) -> Any:
    """What a value that JSON does not know becomes: a pydantic model is dumped."""
    if _is_model(type(value)):
        return value.model_dump(mode="json")
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: getattr(value, field.name) for field in fields(value)}
    raise TypeError(f"Encoding objects of type {type(value).__name__} is unsupported")


def _decode_model(kind: Any, value: Any) -> Any:
    if _is_model(kind):
        return kind.model_validate(value)
    raise TypeError(f"{kind} cannot be read from JSON")


def _named_in(error: Exception) -> str | None:
    """The argument in a msgspec message such as "Expected `int`, got `str` - at `$.order_id`"."""
    _, separator, path = str(error).rpartition("`$.")
    if not separator:
        return None
    return path.rstrip("`").split(".")[0].split("[")[0]
