"""`make overload`: a real tenant_api under ten times what it takes on, and under a flood of idle connections.

Prints what was accepted, refused and how fast, what it did to memory, and how soon good traffic was served as before.
Loopback only; about half a minute.
"""

import asyncio
import os
import resource
import time
from collections import Counter as Tally
from dataclasses import dataclass, field
from pathlib import Path
from secrets import token_hex
from tempfile import TemporaryDirectory
from urllib.parse import urlsplit

import boto3

from infra.tables import create_missing
from shared.domain.quota import UNLIMITED
from shared.domain.tiers import Price, Tier, TierConfig
from tests.conftest import REGION
from tests.e2e.installation import Service, installation

IN_FLIGHT = int(os.environ.get("IN_FLIGHT", "64"))
TIMES = int(os.environ.get("TIMES", "10"))
CALM_SECONDS, STORM_SECONDS = 4.0, 12.0
IDLE_CONNECTIONS = 3000
FILES = 4096  # more than this process opens, and more than the service lets itself open
TIERS = TierConfig((Tier("free", "Free", UNLIMITED, UNLIMITED, Price(0, "usd", "month")),), 1)
PLATFORM = "plt_" + "0" * 32


@dataclass
class Seen:
    """What callers saw."""

    statuses: Tally[int] = field(default_factory=Tally)
    seconds: dict[int, list[float]] = field(default_factory=dict)

    def note(self, status: int, seconds: float) -> None:
        self.statuses[status] += 1
        self.seconds.setdefault(status, []).append(seconds)

    def told(self, status: int) -> str:
        times = sorted(self.seconds.get(status, [0.0]))
        median, worst = times[len(times) // 2], times[int(len(times) * 0.99)]
        return f"{self.statuses[status]} times {status}, p50 {median * 1000:.1f} ms, p99 {worst * 1000:.1f} ms"


class Caller:
    """One connection that asks again as soon as it is answered, and connects again where it is closed."""

    def __init__(self, service: Service, key: str, user: str, seen: Seen) -> None:
        url = urlsplit(service.url)
        self._address = ("127.0.0.1", url.port or 0)
        head = f"POST /api/data HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {key}\r\nX-User-Id: {user}\r\n"
        self._request = f"{head}Content-Length: 0\r\n\r\n".encode()
        self._seen = seen

    async def run(self, until: float) -> None:
        while time.monotonic() < until:
            try:
                reader, writer = await asyncio.open_connection(*self._address)
                while time.monotonic() < until:
                    began = time.monotonic()
                    writer.write(self._request)
                    status = await answered(reader)
                    self._seen.note(status, time.monotonic() - began)
                writer.close()
            except (OSError, asyncio.IncompleteReadError):
                self._seen.note(0, 0.0)
                await asyncio.sleep(0.05)


async def answered(reader: asyncio.StreamReader) -> int:
    head = await reader.readuntil(b"\r\n\r\n")
    length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
    await reader.readexactly(length)
    return int(head.split(b" ", 2)[1])


def memory(service: Service) -> float:
    """Resident megabytes of the service's process."""
    assert service.process is not None
    text = Path(f"/proc/{service.process.pid}/status").read_text()
    return int(text.partition("VmRSS:")[2].split()[0]) / 1024


async def watched(service: Service, until: float) -> float:
    peak = 0.0
    while time.monotonic() < until:
        peak = max(peak, memory(service))
        await asyncio.sleep(0.1)
    return peak


async def load(service: Service, key: str, callers: int, seconds: float) -> tuple[Seen, float]:
    """Callers for a while; what they saw, and the peak of memory."""
    seen, until = Seen(), time.monotonic() + seconds
    running = [Caller(service, key, f"user_{index % 50}", seen).run(until) for index in range(callers)]
    watching = asyncio.create_task(watched(service, until))
    await asyncio.gather(*running)
    return seen, await watching


async def recovery(service: Service, key: str, calm_seconds: float) -> float:
    """Seconds until twenty calls in a row were answered 200 as fast as in the calm."""
    began, good = time.monotonic(), 0
    while good < 20:
        if time.monotonic() - began > 60:
            raise RuntimeError("good traffic did not recover within a minute")
        seen = Seen()
        await Caller(service, key, "good", seen).run(time.monotonic() + 0.001)
        times = seen.seconds.get(200, [])
        good = good + 1 if times and times[0] <= calm_seconds else 0
        await asyncio.sleep(0.01)
    return time.monotonic() - began


async def flood(service: Service) -> tuple[int, list[asyncio.StreamWriter]]:
    """Connections that send half a head and then nothing: how many were refused, and all of them, still open."""
    url = urlsplit(service.url)
    opened = []
    for _ in range(IDLE_CONNECTIONS):
        reader, writer = await asyncio.open_connection("127.0.0.1", url.port or 0)
        writer.write(b"POST /api/data HTTP/1.1\r\nX-Slow: ")
        opened.append((reader, writer))
    await asyncio.sleep(1)
    refused = sum([await told_off(reader) for reader, _ in opened])
    return refused, [writer for _, writer in opened]


async def told_off(reader: asyncio.StreamReader) -> bool:
    """Whether something has come on the connection: the refusal, as nothing was asked."""
    try:
        async with asyncio.timeout(0.001):
            await reader.read(1)
    except TimeoutError:
        return False
    except ConnectionError:
        return True
    return True


async def main() -> None:
    resource.setrlimit(resource.RLIMIT_NOFILE, (FILES, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
    endpoint, prefix = os.environ["DYNAMODB_ENDPOINT"], f"t{token_hex(4)}-"
    client = boto3.client("dynamodb", region_name=REGION, endpoint_url=endpoint)
    create_missing(client, prefix)
    client.close()
    with TemporaryDirectory() as folder:
        async with installation(endpoint, prefix, Path(folder)) as installed:
            installed.extra = {"MAX_IN_FLIGHT": str(IN_FLIGHT)}
            key = installed.platform(PLATFORM, TIERS)
            service = await installed.start("tenant_api")
            await measure(service, key)


async def measure(service: Service, key: str) -> None:
    await load(service, key, 8, 1.0)  # warm
    before = memory(service)
    calm, _ = await load(service, key, IN_FLIGHT // 2, CALM_SECONDS)
    rate = calm.statuses[200] / CALM_SECONDS
    print(f"calm, {IN_FLIGHT // 2} callers: {rate:.0f} calls a second; {calm.told(200)}; {before:.0f} MB")
    storm, peak = await load(service, key, IN_FLIGHT * TIMES, STORM_SECONDS)
    offered = sum(storm.statuses.values()) / STORM_SECONDS
    print(f"storm, {IN_FLIGHT * TIMES} callers on {IN_FLIGHT} places: {offered:.0f} calls a second offered")
    print(f"  accepted: {storm.told(200)} ({storm.statuses[200] / STORM_SECONDS:.0f} a second)")
    print(f"  refused:  {storm.told(503)}; anything else: {dict(storm.statuses - Tally({200: 10**9, 503: 10**9}))}")
    print(f"  memory:   {peak:.0f} MB at most")
    bound = max(0.05, 2 * sorted(calm.seconds[200])[int(len(calm.seconds[200]) * 0.99)])
    print(f"recovered {await recovery(service, key, bound):.2f} s after the storm")
    refused, still_open = await flood(service)
    taken = IDLE_CONNECTIONS - refused
    print(f"flood of {IDLE_CONNECTIONS} idle connections: {taken} taken, {refused} refused, {memory(service):.0f} MB")
    print(f"recovered {await recovery(service, key, bound):.2f} s later, with the attacker holding on to all of them")
    for writer in still_open:
        writer.close()


if __name__ == "__main__":
    asyncio.run(main())
