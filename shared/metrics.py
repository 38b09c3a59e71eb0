"""Prometheus metrics, read off the log: each line is counted as it is written, so that the two can't tell two stories.

`attach` is called by shared.web.log where METRICS_PORT is set, `serve` by shared.web.serve: on a port of its own, which
an operator keeps inside. What no line says (the time of each request to a
system outside, how many calls share a write) its own place observes.
"""

import atexit
import logging
import os
import shutil
import tempfile
from collections.abc import Mapping
from functools import cache
from typing import Any

from prometheus_client import REGISTRY, CollectorRegistry, Counter, Gauge, Histogram, start_http_server
from prometheus_client.multiprocess import MultiProcessCollector

_SECONDS = (0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5)
_ASKED = ("operation", "outcome")
_SIZES = (1, 2, 5, 10, 25, 50, 100, 250, 500, 1000, 2000)
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS"})
FOLDER = "PROMETHEUS_MULTIPROC_DIR"  # the library's own name for where processes leave their numbers

REQUESTS = Counter("dream_api_requests", "Requests answered.", ["service", "method", "route", "status"])
REQUEST_SECONDS = Histogram("dream_api_request_seconds", "Time to answer.", ["service", "route"], buckets=_SECONDS)
DECISIONS = Counter("dream_api_decisions", "Metered calls by what was decided.", ["service", "decision"])
WEBHOOKS = Counter("dream_api_webhook_events", "Stripe's events by outcome.", ["service", "type", "outcome"])
EVENTS = Counter("dream_api_events", "Other lines of the log, such as drift or sync.", ["event", "level"])
SYNC_LAG = Gauge("dream_api_sync_lag_seconds", "Age of the last change carried over.", multiprocess_mode="mostrecent")
STORE_SECONDS = Histogram("dream_api_store_seconds", "Time of store requests.", _ASKED, buckets=_SECONDS)
STRIPE_SECONDS = Histogram("dream_api_stripe_seconds", "Time of requests to Stripe.", _ASKED, buckets=_SECONDS)
CLERK_SECONDS = Histogram("dream_api_clerk_seconds", "Time of requests to Clerk.", _ASKED, buckets=_SECONDS)
SHARED_CALLS = Histogram("dream_api_shared_write_calls", "Calls that shared one write.", buckets=_SIZES)


_SYSTEMS = {"store": STORE_SECONDS, "stripe": STRIPE_SECONDS, "clerk": CLERK_SECONDS}


@cache
def time_of(system: str, operation: str, outcome: str) -> Histogram:
    """Where the time of such requests is observed. Operations are few: names, never what a caller chose."""
    return _SYSTEMS[system].labels(operation, outcome)


class FromLog(logging.Handler):
    """Counts every line of the services' loggers."""

    def emit(self, record: logging.LogRecord) -> None:
        facts: Mapping[str, Any] = getattr(record, "facts", {})
        event = record.getMessage()
        if event == "request":
            request(facts)
            return
        EVENTS.labels(event, record.levelname.lower()).inc()
        if "lagMs" in facts:
            SYNC_LAG.set(facts["lagMs"] / 1000)


def request(facts: Mapping[str, Any]) -> None:
    """Count the canonical line of one request; shared.web.log calls it for a line that comes as no record."""
    service, route = facts["service"], facts["route"] or "none"  # never the path or an odd method: callers choose those
    method = facts["method"] if facts["method"] in METHODS else "other"
    REQUESTS.labels(service, method, route, facts["status"]).inc()
    REQUEST_SECONDS.labels(service, route).observe(facts["ms"] / 1000)
    if "decision" in facts:
        DECISIONS.labels(service, facts["decision"]).inc()
    if "eventType" in facts:
        WEBHOOKS.labels(service, facts["eventType"], facts["outcome"]).inc()


class _Sharing:
    """How many calls share a write. Observed only where it is served: looking costs as much as planning the write."""

    served = False

    def observe(self, calls: int) -> None:
        if self.served:
            SHARED_CALLS.observe(calls)


sharing = _Sharing()


def attach(logger: logging.Logger) -> None:
    """Count what this logger says, once."""
    sharing.served = True
    if not any(isinstance(handler, FromLog) for handler in logger.handlers):
        logger.addHandler(FromLog())


def serve(host: str, port: int, workers: int) -> None:
    """Answer `GET /metrics` from a thread of this process; for several server processes, with the sum of theirs."""
    registry = REGISTRY
    if workers > 1:
        # Read by the server processes as they import the library, so it is said before they start.
        os.environ[FOLDER] = tempfile.mkdtemp(prefix="dream-api-metrics-")
        atexit.register(shutil.rmtree, os.environ[FOLDER], ignore_errors=True)
        registry = CollectorRegistry()
        collect: Any = MultiProcessCollector  # its constructor is not typed
        collect(registry, path=os.environ[FOLDER])
    start_http_server(port, host, registry)
