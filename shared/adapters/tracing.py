"""OpenTelemetry traces, where OTEL_EXPORTER_OTLP_ENDPOINT is set: a span for each request and each worker pass that did
something, and below it one for each request to a system outside.

deps.py opens `traced`; shared.web.log and the bridge's worker tell what has ended. Spans are made only then, after the
answer, so that nobody waits for them, and the library is imported only where they are on. No attribute names a
person, an address, a secret or a query. Where the collector does not answer, spans are dropped and one line says so.
"""

import asyncio
import logging
import threading
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlsplit

from shared import VERSION
from shared.metrics import METHODS
from shared.outside import FAILED, STORE, Asked
from shared.settings import ServiceSettings

logger = logging.getLogger("dream_api")

EXPORT_SECONDS = 2.0  # what one batch may take, tries included
FLUSH_SECONDS = 3.0  # at the end, after the requests have drained
SHOWN = ("decision", "replayed", "error", "entries", "lagMs", "storeCalls", "stripeCalls", "clerkCalls")


class Traces:
    """What has ended, as spans on their way to the collector."""

    def __init__(self, provider: Any, exporter: "_Telling", api: Any, parent: Any, nobody: Any) -> None:
        self._provider = provider
        self._exporter = exporter
        self._tracer = provider.get_tracer("dream_api", VERSION)
        self._api = api
        self._parent = parent
        self._nobody = nobody  # an empty context: whoever has no caller begins a trace

    def request(self, scope: Mapping[str, Any], status: int, asked: Asked) -> None:
        """A request that has been answered; it belongs to its caller's trace where it came with a `traceparent`."""
        route = getattr(scope.get("route"), "path", None)
        method = scope["method"] if scope["method"] in METHODS else "_OTHER"
        attributes = {"http.request.method": method, "http.response.status_code": status}
        attributes |= {} if route is None else {"http.route": route}
        state = scope["state"]
        attributes["dream_api.request_id"] = state["request_id"]
        given = [value for name, value in scope["headers"] if name == b"traceparent"]
        parent = self._nobody
        if len(given) == 1:
            parent = self._parent.extract({"traceparent": given[0].decode("latin-1")}, self._nobody)
        facts = state.get("facts", {}) | asked.facts()
        name = method if route is None else f"{method} {route}"
        self._tell(name, self._api.SpanKind.SERVER, asked, attributes | _shown(facts), parent, failed=status >= 500)

    def worker_pass(self, name: str, asked: Asked, facts: Mapping[str, Any], *, failed: bool = False) -> None:
        """A pass of a worker that has found something to do, or has failed."""
        attributes = _shown({**facts, **asked.facts()})
        self._tell(name, self._api.SpanKind.INTERNAL, asked, attributes, self._nobody, failed=failed)

    def _tell(
        self, name: str, kind: Any, asked: Asked, attributes: Mapping[str, Any], parent: Any, *, failed: bool
    ) -> None:
        ended = time.time_ns()
        began = ended - int((time.perf_counter() - asked.began) * 1e9)
        span = self._tracer.start_span(name, context=parent, kind=kind, attributes=attributes, start_time=began)
        if span.is_recording():
            below = self._api.set_span_in_context(span, self._nobody)
            for one in asked.children or ():
                self._child(below, began + int((one.began - asked.began) * 1e9), *one)
            if failed:
                span.set_status(self._api.StatusCode.ERROR)
        span.end(ended)

    def _child(
        self, context: Any, at: int, system: str, operation: str, _began: float, seconds: float, how: str
    ) -> None:
        attributes = {"dream_api.system": system, "dream_api.outcome": how}
        if system == STORE:
            attributes |= {"db.system.name": "aws.dynamodb", "db.operation.name": operation}
        client = self._api.SpanKind.CLIENT
        span = self._tracer.start_span(
            f"{system} {operation}", context=context, kind=client, attributes=attributes, start_time=at
        )
        if how == FAILED:
            span.set_status(self._api.StatusCode.ERROR)
        span.end(at + int(seconds * 1e9))

    async def close(self) -> None:
        """Send what waits, for a moment at most: a collector that does not answer must not keep us from ending."""
        # A thread of its own, which nobody joins: the loop's would be waited for at its end.
        ending = threading.Thread(target=self._provider.shutdown, daemon=True)
        ending.start()
        until = time.monotonic() + FLUSH_SECONDS
        while (  # noqa: ASYNC110 - a thread sets no Event of ours
            ending.is_alive() and not self._exporter.down and time.monotonic() < until
        ):
            await asyncio.sleep(0.01)


class _Telling:
    """An exporter that says once that the collector is gone, and once that it is back."""

    def __init__(self, exporter: Any, collector: str, success: Any) -> None:
        self._exporter = exporter
        self._collector = collector
        self._success = success
        self.down = False

    def export(self, spans: Any) -> Any:
        result = self._exporter.export(spans)
        down = result is not self._success
        if down != self.down:
            self.down = down
            facts = {"facts": {"collector": self._collector}}
            if down:
                logger.warning("traces are lost: the collector does not take them", extra=facts)
            else:
                logger.info("traces are taken again", extra=facts)
        return result

    def shutdown(self) -> None:
        self._exporter.shutdown()


@asynccontextmanager
async def traced(settings: ServiceSettings, service: str) -> AsyncIterator[Traces | None]:
    """The traces of a service, None where no collector is set; what waits at the end is sent."""
    if settings.otel_exporter_otlp_endpoint is None:
        yield None
        return
    traces = _opened(settings, settings.otel_exporter_otlp_endpoint, service)
    try:
        yield traces
    finally:
        await traces.close()


def _opened(settings: ServiceSettings, endpoint: str, service: str) -> Traces:
    from opentelemetry import context, trace  # noqa: PLC0415 - not even imported where traces are off
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415 - as above
    from opentelemetry.sdk.resources import Resource  # noqa: PLC0415 - as above
    from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415 - as above
    from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExportResult  # noqa: PLC0415 - as above
    from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, ParentBased, TraceIdRatioBased  # noqa: PLC0415 - as above
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator  # noqa: PLC0415 - as above

    # It would tell of every batch and every try; `_Telling` tells what an operator needs.
    logging.getLogger("opentelemetry").setLevel(logging.CRITICAL + 1)
    share = TraceIdRatioBased(settings.otel_traces_sampler_arg)
    # Anybody may send a `traceparent`: it can keep a request out of the traces, and can't put more in than our share.
    sampler = ParentBased(share, remote_parent_sampled=share, remote_parent_not_sampled=ALWAYS_OFF)
    named = {"service.name": service, "service.version": VERSION}
    named |= {"vcs.ref.head.revision": settings.commit} if settings.commit else {}
    provider = TracerProvider(sampler=sampler, resource=Resource.create(named), shutdown_on_exit=False)
    exporter = OTLPSpanExporter(endpoint=endpoint + "/v1/traces", timeout=EXPORT_SECONDS)
    telling = _Telling(exporter, urlsplit(endpoint).netloc.rpartition("@")[2], SpanExportResult.SUCCESS)
    processed: Any = telling  # it has what the library calls, without the class that would have to be imported for it
    provider.add_span_processor(BatchSpanProcessor(processed))
    return Traces(provider, telling, trace, TraceContextTextMapPropagator(), context.Context())


def _shown(facts: Mapping[str, Any]) -> dict[str, Any]:
    """What of a log line goes on a span: nothing that says who."""
    return {f"dream_api.{name}": facts[name] for name in SHOWN if name in facts}
