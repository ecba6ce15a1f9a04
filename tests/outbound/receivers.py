"""Servers on loopback that receive requests, and tell what came."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

Answering = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass
class Came:
    """A request that came."""

    headers: dict[str, str]
    body: bytes
    path: str
    host: str


@dataclass
class Receiver:
    """A server: where it is, and what has come to it."""

    port: int
    came: list[Came] = field(default_factory=list)

    def url(self, host: str = "127.0.0.1", path: str = "/hook", scheme: str = "http") -> str:
        """Its URL by a name of one's own."""
        return f"{scheme}://{host}:{self.port}{path}"


async def well(_: web.Request) -> web.StreamResponse:
    """Answer that all is well."""
    return web.Response(text="thanks")


def always(status: int, **headers: str) -> Answering:
    """Answer with this status each time."""

    async def answer(_: web.Request) -> web.StreamResponse:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return web.Response(status=status, text="no", headers=named)

    return answer


def in_turn(*answers: Answering) -> Answering:
    """Answer by each of these once, and by the last one from then on."""
    left = list(answers)

    async def answer(request: web.Request) -> web.StreamResponse:
        return await (left.pop(0) if len(left) > 1 else left[0])(request)

    return answer


def saying(said: object, status: int = 200, **headers: str) -> Answering:
    """Answer with this JSON each time."""

    async def answer(_: web.Request) -> web.StreamResponse:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return web.json_response(said, status=status, headers=named)

    return answer


@asynccontextmanager
async def receiving(
    answer: Answering = well, tls: ssl.SSLContext | None = None
) -> AsyncIterator[Receiver]:
    """Run a server that answers so."""

    async def note(request: web.Request) -> web.StreamResponse:
        body = await request.read()
        found = {name.lower(): value for name, value in request.headers.items()}
        receiver.came.append(Came(found, body, request.path_qs, request.host))
        return await answer(request)

    app = web.Application()
    app.router.add_route("*", "/{rest:.*}", note)
    runner = web.AppRunner(app, shutdown_timeout=0)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls)
    await site.start()
    receiver = Receiver(runner.addresses[0][1])
    try:
        yield receiver
    finally:
        await runner.cleanup()


@dataclass
class Silent:
    """A socket that listens, and whether anybody came."""

    port: int
    connections: int = 0


@asynccontextmanager
async def listening(
    talk: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]] | None = None,
) -> AsyncIterator[Silent]:
    """Listen, and let `talk` answer as it likes; nothing at all unless told."""

    async def met(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        silent.connections += 1
        try:
            if talk is not None:
                await talk(reader, writer)
            await reader.read()
        except ConnectionError:
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(met, "127.0.0.1", 0)
    silent = Silent(server.sockets[0].getsockname()[1])
    try:
        yield silent
    finally:
        server.close()


def nobodys_port() -> int:
    """A port on which nobody listens."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


class Authority:
    """An authority for certificates of a test's own."""

    def __init__(self, folder: Path) -> None:
        """Make its key and its own certificate."""
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "a test's authority")])
        self._own = self._certificate(self._name, self._key, None, days=1)

    def trusting(self) -> ssl.SSLContext:
        """What a client uses that trusts it."""
        context = ssl.create_default_context()
        context.load_verify_locations(cadata=_pem(self._own).decode())
        return context

    def serving(self, host: str, days: int = 1) -> ssl.SSLContext:
        """What a server uses that goes by the name `host`; expired with negative `days`."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)])
        file = self._folder / f"{host}-{days}.pem"
        private = key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        file.write_bytes(private + _pem(self._certificate(subject, key, host, days)))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(file)
        return context

    def _certificate(
        self, subject: x509.Name, key: ec.EllipticCurvePrivateKey, host: str | None, days: int
    ) -> x509.Certificate:
        now = datetime.now(UTC)
        until = now + timedelta(days=days)
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(min(now, until) - timedelta(days=1))
            .not_valid_after(until)
            .add_extension(x509.BasicConstraints(ca=host is None, path_length=None), critical=True)
        )
        if host is not None:
            builder = builder.add_extension(
                x509.SubjectAlternativeName([_general(host)]), critical=False
            )
        return builder.sign(self._key, hashes.SHA256())


def _general(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)
