"""The bench's table, and its goals as ratios of one run. Called by infra.bench.__main__."""

from collections.abc import Iterator, Sequence

from infra.bench.measure import Measured
from infra.bench.rows import CEILING, DELAYED, HOT, KEY, PLAIN, PRODUCT, REDIS, REFUSED, TOKEN, UNIFORM

HEAD = (
    "| design | calls | users | conns | workers | store | calls/s | of ceiling | p50 ms | p99 ms "
    "| CPU µs/call server / store / client | store requests/call | write units/call | exact |"
)


class Report:
    """What was measured, by row."""

    def __init__(self, measured: Sequence[Measured], delay: float) -> None:
        self._measured = measured
        self._delay_ms = delay * 1000

    def table(self) -> str:
        lines = [HEAD, "|" + "---|" * 14]
        return "\n".join(lines + [self._line(one) for one in self._measured])

    def goals(self) -> str:
        return "\n".join(f"  {'holds ' if holds else 'MISSED'}  {text}" for text, holds in self._goals())

    def _line(self, one: Measured) -> str:
        row, top = one.row, self._rate(CEILING, connections=one.row.connections, workers=one.row.workers)
        cells = [
            row.design,
            row.calls,
            row.users,
            row.connections,
            f"{row.workers} (one core for all)" if row.one_core else row.workers,
            f"{self._delay_ms:g} ms" if row.store == DELAYED else row.store,
            f"{one.calls_per_second:,.0f}",
        ]
        cells += [f"{one.calls_per_second / top:.0%}" if top else "-", f"{one.p50_ms:.1f}", f"{one.p99_ms:.1f}"]
        cells += [" / ".join(f"{cpu * 1000:.0f}" for cpu in (one.server_cpu, one.store_cpu, one.client_cpu))]
        cells += ["-" if each is None else f"{each:.3f}" for each in (one.store_requests, one.write_units)]
        return "| " + " | ".join(map(str, [*cells, one.exact])) + " |"

    def _find(
        self,
        design: str,
        calls: str = KEY,
        users: str = UNIFORM,
        connections: int = 64,
        workers: int = 1,
        *,
        one_core: bool = False,
    ) -> Measured | None:
        for one in self._measured:
            row = one.row
            same = (row.design, row.calls, row.users, row.connections, row.workers, row.one_core)
            if same == (design, calls, users, connections, workers, one_core) and (
                row.store == DELAYED or design != PRODUCT
            ):
                return one
        return None

    def _rate(
        self, design: str, calls: str = KEY, users: str = UNIFORM, connections: int = 64, workers: int = 1
    ) -> float:
        found = self._find(design, calls, users, connections, workers)
        return 0.0 if found is None else found.calls_per_second

    def _goals(self) -> Iterator[tuple[str, bool]]:
        for connections, least in ((256, 0.45), (64, 0.35)):
            share = self._share(
                self._rate(PRODUCT, connections=connections), self._rate(CEILING, connections=connections)
            )
            yield f"{share:.0%} of the ceiling at {connections} connections (goal {least:.0%})", share >= least
        yield from self._store_goals()
        yield from self._rival_goals()
        yield from self._mode_goals()
        yield from self._worker_goals()

    def _store_goals(self) -> Iterator[tuple[str, bool]]:
        for connections in (64, 256):
            found = self._find(PRODUCT, connections=connections)
            if found is not None and found.store_requests is not None:
                yield (
                    f"{found.store_requests:.3f} store requests a call at {connections} connections (goal 0.1)",
                    found.store_requests <= 0.1,
                )
        found = self._find(PRODUCT)
        if found is not None:
            yield f"p99 {found.p99_ms:.1f} ms at 64 connections (goal 4 x store)", found.p99_ms <= 4 * self._delay_ms
        hot = self._find(PRODUCT, users=HOT)
        if hot is not None and hot.write_units is not None:
            yield f"{hot.write_units:.3f} write units a call for one hot user (goal 0.1)", hot.write_units <= 0.1
        units = [one.write_units for one in self._measured if one.row.design == PRODUCT and one.write_units is not None]
        if units:
            yield f"at most {max(units):.3f} write units a call (goal 1)", max(units) <= 1.005
        alone = self._find(PRODUCT, connections=1)
        if alone is not None:
            yield (
                f"p50 {alone.p50_ms:.1f} ms at one connection (goal store + 2 ms)",
                alone.p50_ms <= self._delay_ms + 2,
            )

    def _rival_goals(self) -> Iterator[tuple[str, bool]]:
        for connections in (64, 256):
            times = self._share(
                self._rate(PRODUCT, connections=connections), self._rate(PLAIN, connections=connections)
            )
            yield f"{times:.1f} x the plain SDK design at {connections} connections (goal 8)", times >= 8
            ours, theirs = self._find(PRODUCT, connections=connections), self._find(REDIS, connections=connections)
            if ours is not None and theirs is not None:
                rates = (
                    f"{1000 / ours.server_cpu:,.0f} calls a second of server CPU, {1000 / theirs.server_cpu:,.0f} on"
                )
                yield f"{rates} Redis, at {connections} connections", ours.server_cpu < theirs.server_cpu

    def _mode_goals(self) -> Iterator[tuple[str, bool]]:
        for connections in (64, 256):
            share = self._share(
                self._rate(PRODUCT, TOKEN, connections=connections), self._rate(PRODUCT, connections=connections)
            )
            yield f"JWT mode at {share:.0%} of key mode at {connections} connections (goal 90%)", share >= 0.9
            share = self._share(
                self._rate(PRODUCT, REFUSED, connections=connections), self._rate(CEILING, connections=connections)
            )
            yield f"refusals at {share:.0%} of the ceiling at {connections} connections (goal 60%)", share >= 0.6

    def _worker_goals(self) -> Iterator[tuple[str, bool]]:
        for connections in (64, 256):
            one, two = (
                self._find(PRODUCT, connections=connections, one_core=True),
                self._find(PRODUCT, connections=connections, workers=2),
            )
            if one is None or two is None:
                continue
            measured = two.calls_per_second / one.calls_per_second
            capacity = 2 * one.server_cpu / two.server_cpu
            times = f"{capacity:.2f} x by server CPU, {measured:.2f} x as measured"
            text = f"two workers on two cores, one on one: {times}, at {connections} connections (goal 1.6)"
            yield text, capacity >= 1.6

    @staticmethod
    def _share(one: float, other: float) -> float:
        return one / other if other else 0.0
