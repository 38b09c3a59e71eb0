"""Coarse steps of monthly use: an end-user's place in the order is moved only when the count passes one. Pure.

Called by tally.py, which moves, and ranking.py, which reads. None below 20 calls, then ten steps a decade from 100 on:
somebody who makes a thousand calls is moved 13 times.
"""

from bisect import bisect_right

FIRST = (20, 50)
THRESHOLDS = (*FIRST, *(round(10 ** (tenth / 10)) for tenth in range(20, 121)))
NEAR_LIMIT_TENTHS = 8


def step_of(used: int) -> int:
    """0 for a use that has no step, higher for more."""
    return bisect_right(THRESHOLDS, used)


def near(used: int, limit: int) -> bool:
    """Whether four fifths of a finite limit are used."""
    return limit >= 0 and used * 10 >= limit * NEAR_LIMIT_TENTHS
