"""Traces: what a collector is sent says what a request asked and never who; without one that answers, nothing waits."""

import json
import time
from pathlib import Path

import httpx2

from shared import outside
from shared.adapters.tracing import FLUSH_SECONDS, traced
from shared.domain.ids import platform_id
from shared.domain.quota import UNLIMITED
from shared.domain.tiers import Price, Tier, TierConfig
from shared.settings import ServiceSettings
from tests.collector import Collector
from tests.e2e.installation import Service, free_port, installation
from tests.serving import serving

PLATFORM = platform_id(bytes(16))
TIERS = TierConfig((Tier("free", "Free", 1, UNLIMITED, Price(0, "usd", "month")),), 1)
CREDENTIALS = "me:secretive"
TRACE, CALLER = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"


def lines(service: Service) -> list[dict[str, object]]:
    return [json.loads(line) for line in service.log.read_text().splitlines() if line.startswith("{")]


async def test_a_request_is_a_span_with_what_it_asked_and_without_whom_it_is_about(
    endpoint: str, prefix: str, tmp_path: Path
) -> None:
    collector = Collector()
    async with serving(collector.app) as url, installation(endpoint, prefix, tmp_path) as installed:
        key = installed.platform(PLATFORM, TIERS)
        served = await installed.start("tenant_api", OTEL_EXPORTER_OTLP_ENDPOINT=url)
        headers = {"Authorization": f"Bearer {key}", "X-User-Id": "alice-in-person"}
        traced = headers | {"traceparent": f"00-{TRACE}-{CALLER}-01", "X-Request-Id": "abc-1"}
        async with httpx2.AsyncClient(trust_env=False) as http:
            await http.post(served.url + "/api/data?token=secretive", headers=traced)
            await http.post(served.url + "/api/data", headers=headers)
            await http.post(served.url + "/api/data", headers=headers | {"traceparent": f"00-{TRACE}-{CALLER}-00"})
            await http.request("PROPFIND", served.url + "/secretive", headers={"traceparent": "garbage"})
        await served.stop()  # what waits is sent before the process ends
    admitted, refused, odd = [
        span for span in collector.spans if span.name != "GET /health" and span.parent in {CALLER, ""}
    ]
    assert (admitted.name, admitted.service) == ("POST /api/data", "tenant_api")
    assert (admitted.trace, admitted.parent, admitted.failed) == (TRACE, CALLER, False)
    assert admitted.attributes == {
        "http.request.method": "POST",
        "http.route": "/api/data",
        "http.response.status_code": 200,
        "dream_api.request_id": "abc-1",
        "dream_api.decision": "admitted",
        "dream_api.replayed": False,
        "dream_api.storeCalls": 3,
    }
    below = collector.below(admitted)
    assert [span.name for span in below] == ["store GetItem", "store GetItem", "store count"]
    assert all(admitted.began <= span.began <= span.ended <= admitted.ended for span in below)
    assert below[0].attributes["db.system.name"] == "aws.dynamodb"
    assert refused.attributes["dream_api.decision"] == "over_quota"
    assert (odd.name, odd.attributes["http.request.method"], odd.parent) == ("_OTHER", "_OTHER", "")
    for secret in ("alice-in-person", "secretive", key, PLATFORM):
        assert secret.encode() not in collector.raw
    (line,) = [line for line in lines(served) if line.get("requestId") == "abc-1"]
    assert line["storeCalls"] == 3


async def test_a_collector_that_is_not_there_costs_one_line_and_no_request(
    endpoint: str, prefix: str, tmp_path: Path
) -> None:
    async with installation(endpoint, prefix, tmp_path) as installed:
        nowhere = f"http://{CREDENTIALS}@127.0.0.1:{free_port()}"
        served = await installed.start("tenant_api", OTEL_EXPORTER_OTLP_ENDPOINT=nowhere, OTEL_BSP_SCHEDULE_DELAY="100")
        async with httpx2.AsyncClient(trust_env=False) as http:
            for _ in range(10):
                assert (await http.get(served.url + "/ready")).status_code == 200
        began = time.monotonic()
        await served.stop()
        assert time.monotonic() - began < FLUSH_SECONDS + 3
    told = [line for line in lines(served) if line["event"] != "request"]
    assert [line["event"] for line in told if line["level"] == "warning"] == [
        "traces are lost: the collector does not take them"
    ]
    assert CREDENTIALS.partition(":")[2] not in served.log.read_text()


async def test_a_share_of_nothing_sends_nothing_whatever_callers_ask_for() -> None:
    collector = Collector()
    async with serving(collector.app) as url:
        settings = ServiceSettings(otel_exporter_otlp_endpoint=url, otel_traces_sampler_arg=0)
        async with traced(settings, "tenant_api") as traces:
            assert traces is not None
            headers = [(b"traceparent", f"00-{TRACE}-{CALLER}-01".encode())]
            scope = {"method": "GET", "headers": headers, "state": {"request_id": "req_1"}}
            traces.request(scope, 200, outside.begin(traced=True))
    assert collector.raw == b""
