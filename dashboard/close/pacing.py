"""When a request may leave: Close's rate limits, obeyed per endpoint group.

Close counts requests per group of paths and methods, does not publish the grouping, and announces the limit closest
to being hit in a header: https://developer.close.com/api/overview/rate-limits. What decides here are pure functions
on a ``GroupState``, so that a pacer which shares its pauses between processes decides the same way.
"""

import math
import re
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Protocol

from .errors import RateLimitError

PATIENCE = 5.0
"""Seconds that a person's request waits for Close's limits and between tries, in all."""

BACKGROUND_PATIENCE = 120.0
"""The same for work that nobody waits for."""

FOR_PEOPLE = 20
"""Per cent of the announced limit that background work leaves to people."""

LOOK_AGAIN = 0.02
"""Seconds until background work asks again, where answers under way will tell how much is left."""

PAUSE_UNSAID = 2.0
"""Seconds to pause after a 429 that does not say how long."""

MARGIN = 0.05
"""Seconds added to a pause, so that a request does not arrive at Close a moment before the limit is reset."""

LONGEST_PAUSE = 3600.0
"""A longer wait than this in a header is taken as a mistake and cut."""


@dataclass(frozen=True)
class RateLimit:
    """What an answer says about its limit: requests per window, how many are left, seconds until the reset."""

    limit: int | None = None
    remaining: int | None = None
    reset: float | None = None


@dataclass(frozen=True)
class GroupState:
    """What is known of one endpoint group. Times are seconds of any one clock, the same for all functions."""

    paused_until: float = 0.0
    limit: int | None = None
    remaining: int | None = None
    resets_at: float = 0.0
    in_flight: int = 0


class Pacer(Protocol):
    """Decides when a request may leave. One pacer serves all threads of a process."""

    def before(self, group: str, *, background: bool) -> None:
        """Return when a request may be sent, after waiting if need be; RateLimitError where that takes too long."""

    def after(self, group: str, limit: RateLimit | None) -> None:
        """Note that a request has ended, and what its answer says of the limit; None where it says nothing."""

    def pause(self, group: str, seconds: float) -> None:
        """Let nobody send to this group for so many seconds: Close has answered 429."""


def group_of(method: str, path: str) -> str:
    """Return the endpoint group: the method and the path's first segment, as in ``PUT phone_number``."""
    return f"{method.upper()} {path.strip('/').partition('/')[0]}"


def wait_needed(state: GroupState, now: float, background: bool) -> float:
    """Return how many seconds a request has to wait; 0 means that it may leave now.

    A pause holds everybody. Background work also keeps to its share of the limit: what was left at the last answer,
    less the requests under way since, stays above the part that is for people.
    """
    if state.paused_until > now:
        return state.paused_until - now
    if not background or state.limit is None or state.remaining is None:
        return 0.0
    for_people = state.limit * FOR_PEOPLE
    left = state.remaining if state.resets_at > now else state.limit
    if state.resets_at > now and left * 100 <= for_people:
        return state.resets_at - now
    if state.in_flight and (left - state.in_flight) * 100 <= for_people:
        return LOOK_AGAIN
    return 0.0


def sent(state: GroupState) -> GroupState:
    """Return the state after one more request has left."""
    return replace(state, in_flight=state.in_flight + 1)


def answered(state: GroupState, limit: RateLimit | None, now: float) -> GroupState:
    """Return the state after a request has ended, with or without word of the limit.

    Answers may arrive in another order than Close gave them. Until the reset that is known, an answer can so only
    lower what is left of its limit, never raise it.
    """
    state = replace(state, in_flight=max(0, state.in_flight - 1))
    if limit is None or limit.limit is None or limit.remaining is None:
        return state
    remaining, resets_at = limit.remaining, now + (1.0 if limit.reset is None else limit.reset)
    if state.resets_at > now and state.limit == limit.limit and state.remaining is not None:
        remaining, resets_at = min(remaining, state.remaining), max(resets_at, state.resets_at)
    return replace(state, limit=limit.limit, remaining=remaining, resets_at=resets_at)


def paused(state: GroupState, seconds: float, now: float) -> GroupState:
    """Return the state with a pause of so many seconds from now. A longer pause that runs already stays."""
    return replace(state, paused_until=max(state.paused_until, now + seconds))


def pause_after(limit: RateLimit | None) -> float:
    """Return how many seconds to pause after a 429 whose answer says this."""
    said = limit.reset if limit else None
    return (PAUSE_UNSAID if said is None else said) + MARGIN


class LocalPacer:
    """A pacer for one process: what it knows is in memory, shared by all threads."""

    def __init__(
        self,
        *,
        max_wait: float = PATIENCE,
        background_max_wait: float = BACKGROUND_PATIENCE,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._max_wait = {False: max_wait, True: background_max_wait}
        self._clock = clock
        self._sleep = sleep
        self._lock = threading.Lock()
        self._states: dict[str, GroupState] = {}

    def before(self, group: str, *, background: bool) -> None:
        """Wait until a request may leave; raise RateLimitError at once where that is longer than allowed."""
        waited = 0.0
        while True:
            # Other processes are asked only when nothing else holds the request, and so not at each look again.
            wait = self._wait(group, background) or self._wait_or_send(group, background)
            if not wait:
                return
            if waited + wait > self._max_wait[background]:
                raise RateLimitError(wait, f"{group}: not sent, Close asks to wait {wait:.1f} s")
            self._sleep(wait)
            waited += wait

    def _wait(self, group: str, background: bool) -> float:
        with self._lock:
            return wait_needed(self._states.get(group, GroupState()), self._clock(), background)

    def _wait_or_send(self, group: str, background: bool) -> float:
        elsewhere = self.shared_pause(group)
        with self._lock:
            now, state = self._clock(), self._states.get(group, GroupState())
            if elsewhere:
                state = paused(state, elsewhere, now)
            wait = wait_needed(state, now, background)
            if not wait:
                self._states[group] = sent(state)
            return wait

    def shared_pause(self, group: str) -> float:
        """Return the seconds for which another process knows of a pause; here there is no other process."""
        return 0.0

    def after(self, group: str, limit: RateLimit | None) -> None:
        """Note that a request has ended, and what its answer says of the limit."""
        with self._lock:
            self._states[group] = answered(self._states.get(group, GroupState()), limit, self._clock())

    def pause(self, group: str, seconds: float) -> None:
        """Let no thread send to this group for so many seconds."""
        with self._lock:
            self._states[group] = paused(self._states.get(group, GroupState()), seconds, self._clock())


def parse_rate_limit(
    headers: Mapping[str, str], body: object = None, *, now: float | None = None
) -> RateLimit | None:
    """Return what an answer says about its rate limit, or None where it says nothing.

    Read are ``RateLimit: limit=100, remaining=50, reset=5`` (also decimals, also parts of it), ``Retry-After`` in
    seconds or as a date, ``RateLimit-Reset``, the older ``X-Rate-Limit-…``, and ``rate_reset`` in the body of older
    429s. ``now`` is the time of day in seconds that a date is compared with.
    """
    given = {name.lower(): value for name, value in headers.items()}
    parts = dict(re.findall(r"(limit|remaining|reset)\s*=\s*\"?([\d.]+)", given.get("ratelimit", "").lower()))
    limit = _first(parts.get("limit"), given.get("x-rate-limit-limit"))
    remaining = _first(parts.get("remaining"), given.get("x-rate-limit-remaining"))
    resets = [
        _seconds(parts.get("reset")),
        _retry_after(given.get("retry-after"), time.time() if now is None else now),
        _seconds(given.get("ratelimit-reset")),
        _seconds(given.get("x-rate-limit-reset")),
        _seconds(_rate_reset(body)),
    ]
    said = [reset for reset in resets if reset is not None]
    # "reset=0" beside "Retry-After: 1" is a decimal that was cut, so the first wait above zero counts.
    reset = next((reset for reset in said if reset), 0.0 if said else None)
    if limit is None and remaining is None and reset is None:
        return None
    return RateLimit(limit, remaining, reset)


def _first(*values: str | None) -> int | None:
    numbers = (_number(value) for value in values)
    return next((int(number) for number in numbers if number is not None and number < 1e9), None)


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) and number >= 0 else None


def _seconds(value: object) -> float | None:
    number = _number(value)
    return None if number is None else min(number, LONGEST_PAUSE)


def _retry_after(value: str | None, now: float) -> float | None:
    seconds = _seconds(value)
    if value is None or seconds is not None:
        return seconds
    try:
        when = parsedate_to_datetime(value)
        if when.tzinfo is None:
            when = when.replace(tzinfo=UTC)
        return min(max(0.0, when.timestamp() - now), LONGEST_PAUSE)
    except (ValueError, OverflowError):
        return None


def _rate_reset(body: object) -> object:
    if not isinstance(body, dict):
        return None
    error = body.get("error")
    return body.get("rate_reset", error.get("rate_reset") if isinstance(error, dict) else None)
