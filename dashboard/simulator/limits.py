"""Rate limits: how many requests a key, and the organisation, may send in a window of time.

https://developer.close.com/api/overview/rate-limits: limits are counted per endpoint group, for each API key and,
three times as high, for the whole organisation. Close does not publish the groups; here a group is the method and the
first segment of the path.
"""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from threading import Lock

from .web import Answer, error

ORGANISATION_FACTOR = 3


@dataclass(frozen=True)
class Standing:
    """Where a caller stands with the limit that is closest to being hit. `reset` is in seconds."""

    limit: int
    remaining: int
    reset: float
    allowed: bool
    what: str

    @property
    def header(self) -> str:
        """The value of the header `RateLimit`."""
        return f"limit={self.limit}, remaining={self.remaining}, reset={self.reset:.3f}"


class Limiter:
    """Counts requests in fixed windows, which begin at multiples of their length on the clock."""

    def __init__(self, rate: int, window: float = 1.0, clock: Callable[[], float] = time.monotonic) -> None:
        self.rate = rate
        self.window = window
        self._clock = clock
        self._lock = Lock()
        self._began = -1
        self._counts: dict[tuple[str, str | None], int] = {}

    def set(self, rate: int, window: float = 1.0) -> None:
        """Allow `rate` requests per key in each window of so many seconds, from a fresh count on."""
        with self._lock:
            self.rate, self.window = rate, window
            self._counts.clear()

    def count(self, group: str, key: str) -> Standing:
        """Count one request to this endpoint group with this key, unless it is over a limit; say where they stand."""
        with self._lock:
            now = self._clock()
            if (began := int(now // self.window)) != self._began:
                self._began = began
                self._counts.clear()
            reset = (began + 1) * self.window - now
            standings = []
            for who, limit, what in (
                (key, self.rate, "API key"),
                (None, self.rate * ORGANISATION_FACTOR, "organization"),
            ):
                used = self._counts.get((group, who), 0)
                standings.append(Standing(limit, max(limit - used - 1, 0), reset, used < limit, what))
            if all(standing.allowed for standing in standings):
                for who in (key, None):
                    self._counts[group, who] = self._counts.get((group, who), 0) + 1
            return min(standings, key=lambda standing: (standing.allowed, standing.remaining))


def too_many(standing: Standing, group: str) -> Answer:
    """Return the 429 that Close sends: with JSON, `RateLimit`, and `retry-after` in whole seconds, rounded up."""
    answer = error(429, f"Rate limit of {standing.limit} requests per {standing.what} for {group} was hit.")
    answer.headers = {"RateLimit": standing.header, "retry-after": str(math.ceil(standing.reset))}
    return answer
