"""An OTLP collector on loopback: it takes what OpenTelemetry's own exporter sends over HTTP."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

from tests.outbound.receivers import Receiver, receiving

ENQUEUE, RUN = Span.SPAN_KIND_PRODUCER, Span.SPAN_KIND_CONSUMER


@dataclass
class Collector:
    """What has come, and the provider whose spans come here."""

    receiver: Receiver
    provider: TracerProvider
    bodies: list[bytes] = field(default_factory=list)

    async def spans(self, kind: int | None = None) -> list[Span]:
        """All spans so far, in the order in which they began."""
        await asyncio.to_thread(self.provider.force_flush)
        found = []
        for came in self.receiver.came:
            assert came.path == "/v1/traces"
            request = ExportTraceServiceRequest.FromString(came.body)
            for resource in request.resource_spans:
                for scope in resource.scope_spans:
                    found += scope.spans
        found.sort(key=lambda span: span.start_time_unix_nano)
        return [span for span in found if kind in (None, span.kind)]

    @property
    def raw(self) -> bytes:
        """All that was sent, byte for byte."""
        return b"".join(came.body for came in self.receiver.came)


def attributes(of: Any) -> dict[str, Any]:
    """The attributes of a span or an event."""
    return {each.key: getattr(each.value, each.value.WhichOneof("value")) for each in of.attributes}


@asynccontextmanager
async def collecting() -> AsyncIterator[Collector]:
    """Run a collector, with a provider that sends to it."""
    async with receiving() as receiver:
        provider = TracerProvider()
        exporter = OTLPSpanExporter(receiver.url(path="/v1/traces"))
        provider.add_span_processor(BatchSpanProcessor(exporter))
        try:
            yield Collector(receiver, provider)
        finally:
            await asyncio.to_thread(provider.shutdown)
