"""What is measured: one row a combination of design, kind of call, users, connections and workers. Data only."""

from dataclasses import dataclass

PRODUCT, CEILING, PLAIN, REDIS = "dream-api", "bare endpoint", "plain SDK", "Redis"
DELAYED, ENGINE, NONE = "delayed", "native engine", "-"
KEY, TOKEN, STANDING, REFUSED = "key", "JWT", "GET usage", "refused"
HOT, UNIFORM, ZIPF = "1 hot", "1,000", "10,000 Zipf"
USERS = {HOT: 1, UNIFORM: 1_000, ZIPF: 10_000}


@dataclass(frozen=True, slots=True)
class Row:
    """One measurement. Rows of the same `server` run one after another on the same processes.

    With `one_core`, server, store and load generator share one.
    """

    design: str
    calls: str = KEY
    users: str = UNIFORM
    connections: int = 64
    workers: int = 1
    store: str = DELAYED
    one_core: bool = False

    @property
    def server(self) -> tuple[str, int, str, bool]:
        return self.design, self.workers, self.store, self.one_core


def rows(*, quick: bool, engine: bool, redis: bool) -> list[Row]:
    """All rows, those of one server together; `quick` keeps what the goals need."""
    connections = (64, 256) if quick else (1, 16, 64, 256)
    found = [Row(CEILING, connections=count, store=NONE) for count in connections]
    found += [Row(PRODUCT, connections=count) for count in connections]
    found += [Row(PRODUCT, users=HOT, connections=count) for count in connections]
    if quick:
        found.insert(2, Row(PRODUCT, connections=1))
    found += [Row(PRODUCT, users=ZIPF, connections=count) for count in connections[-2:]]
    found += [Row(PRODUCT, calls, connections=count) for calls in (TOKEN, REFUSED, STANDING) for count in (64, 256)]
    found += [Row(PLAIN, connections=count) for count in connections]
    found += [Row(PLAIN, users=HOT, connections=64)]
    if redis:
        found += [Row(REDIS, connections=count, store=REDIS) for count in connections]
        found += [Row(REDIS, users=HOT, store=REDIS)]
        found += [Row(REDIS, connections=256, workers=2, store=REDIS)]
    found += [Row(CEILING, connections=count, workers=2, store=NONE) for count in (64, 256)]
    found += [Row(PRODUCT, connections=count, one_core=True) for count in (64, 256)]
    found += [Row(PRODUCT, connections=count, workers=2) for count in (64, 256)]
    found += [Row(PRODUCT, users=HOT, connections=256, workers=2)]
    if engine:
        found += [Row(PRODUCT, connections=count, store=ENGINE) for count in (64, 256)]
        found += [Row(PRODUCT, users=HOT, store=ENGINE)]
    return sorted(
        found,
        key=lambda row: _ORDER.index(row.design) + 10 * row.workers + 5 * row.one_core + 100 * (row.store == ENGINE),
    )


_ORDER = (CEILING, PRODUCT, PLAIN, REDIS)
