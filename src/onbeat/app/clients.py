"""Clients of APIs, as a user makes them: read from code, and from variables, which win."""

from __future__ import annotations

import os
import ssl
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any, TypedDict, TypeVar, Unpack

from onbeat.app.breakers import BreakerCommands
from onbeat.app.context import Context
from onbeat.domain.breakers import Breaker
from onbeat.domain.clients import (
    DEFAULT_CONNECTIONS,
    DEFAULT_RETRY,
    DEFAULT_TIMEOUT,
    LARGEST_ANSWER,
    MOST_CLIENTS,
    ClientRules,
    check_base,
    check_client_name,
    is_token,
)
from onbeat.domain.durations import read_duration
from onbeat.domain.errors import InvalidInput, InvalidSetting
from onbeat.domain.events import Emit
from onbeat.domain.limits import read_bounds
from onbeat.domain.retries import Retry, check_retry
from onbeat.outbound.pool import Pool
from onbeat.runtime.clients import ApiClient, Guard, Pace, Token
from onbeat.settings import PREFIX

T = TypeVar("T")
Environ = Mapping[str, str]

LONGEST_MILLISECONDS = 3_600_000


class ClientOptions(TypedDict, total=False):
    """What `ob.client` takes.

    `token` is sent as `Authorization: Bearer`; it, and `headers`, which go with each request, are
    never shown. `retry` says how often a request is made within one call. `breaker` is, unsaid, one
    of the client's name that opens after 5 failures for 30 s; None for none. `rate` is as "50/s",
    of the whole fleet, and `burst` how many may begin at once after a rest. Answers to GET are kept
    in the process for `cache`.
    """

    url: str
    env: str | None
    token: Token | None
    headers: Mapping[str, str] | None
    timeout: str | timedelta
    retry: Retry
    breaker: Breaker | None
    rate: str | None
    burst: int | None
    cache: str | timedelta | None
    most_connections: int
    largest_answer: int
    tls: ssl.SSLContext | None


class Clients:
    """The clients of an application."""

    def __init__(self, context: Context, breakers: BreakerCommands) -> None:
        """Made by the application."""
        self._context = context
        self._breakers = breakers
        self._guards: list[Guard] = []

    def make(self, name: str, **options: Unpack[ClientOptions]) -> ApiClient:
        """Make one. Raises InvalidInput, InvalidSetting, InvalidTask."""
        check_client_name(name)
        given = options if options.get("env") is None else with_variables(name, options)
        rules = _rules(name, given)
        if name in self._context.pools:
            raise InvalidInput("name", f"{name!r} is another client's; make one, and use it twice")
        if len(self._context.pools) >= MOST_CLIENTS:
            raise InvalidInput("name", f"there are {MOST_CLIENTS} clients; make one for each API, "
                               "not for each call")  # fmt: skip
        pool = Pool(rules.url, rules.most_connections, given.get("tls"))
        guard, store = None, self._context.store
        if rules.breaker is not None:
            self._context.registry.note_breaker(rules.breaker)
            guard = Guard(name, rules.breaker, store, self._breakers.reconcile)
        client = ApiClient(
            rules, pool, self._context, token=given.get("token"), headers=given.get("headers"),
            guard=guard, pace=None if rules.rate is None else Pace(name, rules.rate, store),
        )  # fmt: skip
        self._context.pools[name] = pool
        self._guards += [] if guard is None else [guard]
        return client

    def emit(self, emit: Emit) -> None:
        """Let `emit` hear when their breakers open and close."""
        for guard in self._guards:
            guard.emit = emit


def _rules(name: str, given: ClientOptions) -> ClientRules:
    if "url" not in given:
        told = "give url='https://…', or env='API' and the variable API_URL"
        raise InvalidInput("url", f"the client {name!r} has none; {told}")
    _check_token(given.get("token"))
    retry = given.get("retry", DEFAULT_RETRY)
    check_retry("retry", retry)
    breaker = given.get("breaker", ...)
    rate, burst, cache = given.get("rate"), given.get("burst"), given.get("cache")
    has_rate = rate is not None or burst is not None
    return ClientRules(
        name=name,
        url=given["url"],
        timeout=read_duration(given.get("timeout", DEFAULT_TIMEOUT), "timeout"),
        retry=retry,
        breaker=Breaker(name) if breaker is ... else _checked_breaker(breaker),
        rate=read_bounds(None, rate, burst) if has_rate else None,
        cache=None if cache is None else read_duration(cache, "cache"),
        most_connections=given.get("most_connections", DEFAULT_CONNECTIONS),
        largest_answer=given.get("largest_answer", LARGEST_ANSWER),
    )


def _checked_breaker(breaker: Any) -> Breaker | None:
    if breaker is None or isinstance(breaker, Breaker):
        return breaker
    raise InvalidInput("breaker", f"{breaker!r} is no Breaker; give Breaker('game-api'), or None")


def _check_token(token: object) -> None:
    """Raise InvalidInput for what cannot be sent; it is not shown."""
    if token is not None and not callable(token) and not is_token(token):
        raise InvalidInput("token", "it is no printable text; give a token, or what returns one")


def with_variables(
    name: str, options: ClientOptions, environ: Environ | None = None
) -> ClientOptions:
    """The options, as variables say that begin as `env` does; each also with ONBEAT_ before it,
    which wins. Raises InvalidSetting naming one that is wrong.
    """
    given, stem = os.environ if environ is None else environ, _stem(options.get("env"))
    read = options.copy()

    def said(ending: str, reads: Callable[[str, str], T], otherwise: T) -> T:
        for variable in (f"{PREFIX}{stem}{ending}", f"{stem}{ending}"):
            if variable in given:
                return reads(variable, given[variable])
        return otherwise

    if url := said("_URL", _url, options.get("url")):
        read["url"] = url
    read["token"] = said("_SERVICE_ACCOUNT_TOKEN", _token, options.get("token"))
    timeout = said("_REQUEST_TIMEOUT_MS", _milliseconds, None)
    if timeout is not None:
        read["timeout"] = timeout
    breaker = _checked_breaker(options.get("breaker", Breaker(name)))
    threshold = said("_CIRCUIT_BREAKER_THRESHOLD", _count, None)
    open_for = said("_CIRCUIT_BREAKER_DURATION_MS", _milliseconds, None)
    if threshold is not None:
        breaker = replace(breaker or Breaker(name), threshold=threshold)
    if open_for is not None:
        breaker = replace(breaker or Breaker(name), open_for=open_for)
    read["breaker"] = breaker
    return read


def _stem(env: object) -> str:
    if not isinstance(env, str) or not env.replace("_", "").isalnum() or env != env.upper():
        raise InvalidInput("env", f"{env!r} is no beginning of variables; give env='API', which "
                           "reads API_URL and its like")  # fmt: skip
    return env


def _url(variable: str, text: str) -> str:
    try:
        check_base(text.strip())
    except InvalidInput as error:
        raise InvalidSetting(variable, str(error).partition(": ")[2]) from None
    return text.strip()


def _token(variable: str, text: str) -> Token | None:
    if not text.strip() or not text.strip().isprintable():
        raise InvalidSetting(variable, "it is empty, or no text; give the token, or leave it out")
    return text.strip()


def _count(variable: str, text: str) -> int | None:
    if not text.strip().isdecimal() or not 1 <= int(text) <= 10_000:
        told = f"{text!r} is not allowed; give a whole number from 1 to 10000"
        raise InvalidSetting(variable, told)
    return int(text)


def _milliseconds(variable: str, text: str) -> timedelta | None:
    if not text.strip().isdecimal() or not 1 <= int(text) <= LONGEST_MILLISECONDS:
        told = f"{text!r} is no number of milliseconds; give one from 1 to {LONGEST_MILLISECONDS}"
        raise InvalidSetting(variable, told)
    return timedelta(milliseconds=int(text))
