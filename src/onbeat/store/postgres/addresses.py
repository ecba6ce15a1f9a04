"""Where a PostgreSQL database is, read from a URL as people have it from libpq or a hoster.

What the driver can be given is passed on, what is harmless to leave out is left out, and all else
is refused by name before anything is connected: a driver that does not know a parameter takes it
for a setting of the server (libpq's own are in PostgreSQL's documentation, 32.1.2).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from difflib import get_close_matches
from urllib.parse import parse_qsl, quote, unquote, urlencode

from onbeat.domain.environments import CHANNEL, PARAMETER, environment_of, schema_of
from onbeat.domain.errors import InvalidSetting

CONNECT_SECONDS = 10

SCHEMES = ("postgres", "postgresql", "postgresql+asyncpg")
PASSED_ON = (
    "host", "port", "dbname", "database", "user", "password", "passfile",
    "sslmode", "sslcert", "sslkey", "sslpassword", "sslrootcert", "sslcrl", "sslnegotiation",
    "ssl_min_protocol_version", "ssl_max_protocol_version",
    "target_session_attrs", "krbsrvname", "gsslib", "options", "search_path",
)  # fmt: skip
LEFT_OUT = (
    "channel_binding", "gssencmode", "keepalives", "keepalives_idle", "keepalives_interval",
    "keepalives_count", "tcp_user_timeout", "client_encoding", "fallback_application_name",
    "sslcompression", "sslsni",
)  # fmt: skip
"""Ways to watch a connection, which Onbeat has of its own, and what the driver does anyway."""
READ_HERE = ("connect_timeout", "application_name", PARAMETER)
KNOWN = sorted((*PASSED_ON, *LEFT_OUT, *READ_HERE))

CHOICES = {
    "sslmode": ("disable", "allow", "prefer", "require", "verify-ca", "verify-full"),
    "target_session_attrs": (
        "any", "primary", "standby", "read-write", "read-only", "prefer-standby",
    ),
    "gssencmode": ("disable", "prefer"),
}  # fmt: skip

_URL = re.compile(
    r"(?P<scheme>[\w+]+)://"
    r"(?:(?P<user>[^:/@]*)(?::(?P<password>[^@?]*))?@)?"
    r"(?P<hosts>[^/?]*)(?:/(?P<database>[^?]*))?(?:\?(?P<query>.*))?"
)
_HOST = re.compile(r"(?:\[[0-9A-Fa-f:.%]+\]|[^:@\[\]\s]*)(?::(?P<port>\d*))?")


@dataclass(frozen=True, slots=True)
class Address:
    """Where to connect, as whom, and how long that may take."""

    dsn: str = field(repr=False)
    """As the driver takes it, with its password."""
    shown: str
    """The same for messages: without password, and of parameters only what says where it is."""
    user: str | None
    application: str | None
    """The name the server is to show for our connections; None for our own."""
    connect_seconds: float = CONNECT_SECONDS
    environment: str | None = None

    @property
    def schema(self) -> str | None:
        """The schema our tables are in; None where the server's search path says it."""
        return schema_of(self.environment)

    @property
    def channel(self) -> str:
        """Where hints are sent, and heard."""
        return self.schema or CHANNEL


def read_address(url: str) -> Address:
    """Read a database URL. Raises InvalidSetting naming what is wrong; it connects to nothing."""
    found = _URL.fullmatch(url)
    if found is None:
        raise InvalidSetting("db", "it is not a database URL; give postgresql://USER@HOST/DATABASE")
    if found["scheme"] not in SCHEMES:
        raise InvalidSetting(
            "db", f"the driver {found['scheme']!r} is not used; give postgresql://HOST/DATABASE"
        )
    hosts, parameters = found["hosts"], _parameters(found["query"] or "")
    environment = environment_of(url)
    if environment is not None:
        _refuse_search_path(parameters)
    _check_hosts(hosts)
    if hosts.startswith(":") and "host" in parameters:  # user@:5432/db?host=/socket/folder
        parameters.setdefault("port", hosts.removeprefix(":"))
        hosts = ""
    user, password = (_recoded(found[each]) for each in ("user", "password"))
    database = "" if found["database"] is None else f"/{_recoded(found['database'])}"
    secret, hidden = ("", "") if password is None else (f":{password}", ":***")
    name = "" if user is None else user
    place = f"{hosts}{database}"
    passed = {each: parameters[each] for each in PASSED_ON if each in parameters}
    shown = {each: parameters[each] for each in ("host", PARAMETER) if each in parameters}
    told = f"?{urlencode(shown, safe='/')}" if shown else ""
    at = "" if user is None else "@"
    return Address(
        dsn=f"postgresql://{name}{secret}{at}{place}" + (f"?{urlencode(passed)}" if passed else ""),
        shown=f"postgresql://{name}{hidden}{at}{place}{told}",
        user=unquote(name) or parameters.get("user"),
        application=parameters.get("application_name"),
        connect_seconds=_seconds(parameters.get("connect_timeout")),
        environment=environment,
    )


def _refuse_search_path(parameters: dict[str, str]) -> None:
    """An environment says which schema is meant; another one beside it would be left unheard."""
    options = parameters.get("options", "")
    if "search_path" in parameters or re.search(r"(?:-c\s*|--)search[_-]path\b", options):
        raise InvalidSetting(
            PARAMETER, "the database's URL says a search_path too, and each of them says which "
            "tables are meant; leave one of them out",
        )  # fmt: skip


def _recoded(part: str | None) -> str | None:
    """A part of the URL with all in it encoded that could be taken for its grammar."""
    return None if part is None else quote(unquote(part), safe="")


def _check_hosts(hosts: str) -> None:
    for each in hosts.split(","):
        found = _HOST.fullmatch(each)
        if found is None:
            raise InvalidSetting(
                "db", "its host cannot be read; give postgresql://USER:PASSWORD@HOST:PORT/DATABASE,"
                " with @ : / ? in a user or password written %40 %3A %2F %3F",
            )  # fmt: skip
        if found["port"] and not 1 <= int(found["port"]) <= 65_535:
            raise InvalidSetting("db", f"the port {found['port']} is none; give 1 to 65535")


def _parameters(query: str) -> dict[str, str]:
    parameters = dict(parse_qsl(query, keep_blank_values=True))
    for name, value in parameters.items():
        if name not in KNOWN:
            raise InvalidSetting("db", f"its parameter {name!r} is not known; {_instead(name)}")
        allowed = CHOICES.get(name)
        if value and allowed is not None and value not in allowed:
            told = f"{value!r} is not allowed for {name}; give one of {', '.join(allowed)}"
            raise InvalidSetting("db", told)
    return {name: value for name, value in parameters.items() if value}


def _instead(name: str) -> str:
    if name == "ssl":
        return "give sslmode=require, or another sslmode"
    close = get_close_matches(name, KNOWN, n=1)
    meant = f"is {close[0]} meant? " if close else ""
    return f"{meant}leave it out, or give one of {', '.join(KNOWN)}"


def _seconds(value: str | None) -> float:
    """The time to connect; 0 stands for no choice, as in libpq."""
    if value is None:
        return CONNECT_SECONDS
    if not re.fullmatch(r"\d{1,4}", value):
        raise InvalidSetting(
            "db", f"{value!r} is not allowed for connect_timeout; give whole seconds, such as 5"
        )
    return int(value) or CONNECT_SECONDS
