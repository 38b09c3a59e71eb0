"""A double of an OpenTelemetry collector: takes OTLP over HTTP on a socket and keeps the spans, parsed."""

import asyncio
import gzip
from dataclasses import dataclass, field
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route


@dataclass(frozen=True, slots=True)
class Span:
    """One span; ids in hex, attributes as plain values, times in nanoseconds."""

    name: str
    trace: str
    id: str
    parent: str
    attributes: dict[str, Any]
    began: int
    ended: int
    failed: bool
    service: str


@dataclass
class Collector:
    """Serve `.app` and give its address as OTEL_EXPORTER_OTLP_ENDPOINT; `raw` is all that came."""

    spans: list[Span] = field(default_factory=list)
    raw: bytes = b""

    @property
    def app(self) -> Starlette:
        return Starlette(routes=[Route("/v1/traces", self._take, methods=["POST"])])

    async def _take(self, request: Request) -> Response:
        assert request.headers["content-type"] == "application/x-protobuf"
        body = await request.body()
        body = gzip.decompress(body) if request.headers.get("content-encoding") == "gzip" else body
        self.raw += body
        for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
            service = _plain(resource.resource.attributes)["service.name"]
            for scope in resource.scope_spans:
                self.spans += [_span(one, service) for one in scope.spans]
        return Response(b"", media_type="application/x-protobuf")

    async def named(self, name: str, seconds: float = 10) -> Span:
        """The first span of this name, waited for."""
        async with asyncio.timeout(seconds):
            while not (found := [span for span in self.spans if span.name == name]):
                await asyncio.sleep(0.02)
        return found[0]

    def below(self, span: Span) -> list[Span]:
        return sorted((one for one in self.spans if one.parent == span.id), key=lambda one: one.began)


def _span(one: Any, service: str) -> Span:
    return Span(
        name=one.name,
        trace=one.trace_id.hex(),
        id=one.span_id.hex(),
        parent=one.parent_span_id.hex(),
        attributes=_plain(one.attributes),
        began=one.start_time_unix_nano,
        ended=one.end_time_unix_nano,
        failed=one.status.code == 2,
        service=service,
    )


def _plain(attributes: Any) -> dict[str, Any]:
    return {one.key: getattr(one.value, one.value.WhichOneof("value")) for one in attributes}
