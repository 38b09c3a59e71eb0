"""How badly webhooks travel: duplicated, late, out of order, lost or held back. `control` sets it, the outbox asks it.

The weather is a setting of the store, so it lasts through a restart.
"""

from dataclasses import asdict, dataclass
from random import Random
from typing import Any

from infra.sandbox.stripe.store import Store

SETTING = "weather"
REORDER_SPREAD_SECONDS = 0.2


@dataclass(frozen=True, slots=True)
class Weather:
    """`duplicate` and `drop` are probabilities, `delay` a range of seconds; `hold` keeps everything until released."""

    duplicate: float = 0.0
    delay: tuple[float, float] = (0.0, 0.0)
    reorder: bool = False
    drop: float = 0.0
    hold: bool = False
    seed: int | None = None

    @classmethod
    def of(cls, given: dict[str, Any]) -> "Weather":
        """Clear skies except for what is given; ValueError names what can't be."""
        unknown = set(given) - set(cls.__slots__)
        if unknown:
            raise ValueError(f"unknown weather: {', '.join(sorted(unknown))}")
        low, high = given.get("delay") or (0, 0)
        made = cls(
            duplicate=float(given.get("duplicate") or 0),
            delay=(float(low), float(high)),
            reorder=bool(given.get("reorder")),
            drop=float(given.get("drop") or 0),
            hold=bool(given.get("hold")),
            seed=given.get("seed"),
        )
        if not (0 <= made.duplicate <= 1 and 0 <= made.drop <= 1 and 0 <= made.delay[0] <= made.delay[1]):
            raise ValueError("probabilities lie between 0 and 1, a delay is [min, max] in seconds")
        return made


class Sky:
    """The weather now, and the dice that decide about each delivery."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.now = Weather.of(store.setting(SETTING, {}))
        self._dice = Random(self.now.seed)  # noqa: S311 - chance in a test aid, to be repeated from a seed

    def change(self, weather: Weather) -> None:
        self._store.set(SETTING, asdict(weather))
        self.now = weather
        self._dice = Random(weather.seed)  # noqa: S311 - as above

    def copies(self) -> int:
        """How often an event is sent: not at all, once or twice."""
        if self._dice.random() < self.now.drop:
            return 0
        return 2 if self._dice.random() < self.now.duplicate else 1

    def delay_seconds(self) -> float:
        spread = REORDER_SPREAD_SECONDS if self.now.reorder else 0.0
        return self._dice.uniform(*self.now.delay) + self._dice.uniform(0.0, spread)
