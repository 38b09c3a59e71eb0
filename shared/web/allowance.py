"""So many a minute for each address, in bounded memory. Built by the guard, once a process.

A token bucket: a whole minute's allowance may be used at once and comes back evenly. Where there are more addresses
than `most`, the one not seen for longest is forgotten, and so starts afresh: under an attack from that many addresses
this limits each of them less, never anybody else more.
"""

import time
from collections import OrderedDict
from collections.abc import Callable
from math import ceil

MOST_ADDRESSES = 10_000


class Allowance:
    """`per_minute` of 0 is no limit at all."""

    def __init__(
        self, per_minute: int, most: int = MOST_ADDRESSES, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._per_minute = per_minute
        self._most = most
        self._monotonic = monotonic
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._left)

    def wait(self, address: str) -> int:
        """0 when one more is allowed, which is then used up; else whole seconds until it will be."""
        if not self._per_minute:
            return 0
        now, a_second = self._monotonic(), self._per_minute / 60
        left, at = self._left.get(address, (float(self._per_minute), now))
        left = min(float(self._per_minute), left + (now - at) * a_second)
        allowed = left >= 1
        self._left[address] = (left - 1 if allowed else left, now)
        self._left.move_to_end(address)
        if len(self._left) > self._most:
            self._left.popitem(last=False)
        return 0 if allowed else max(1, ceil((1 - left) / a_second))
