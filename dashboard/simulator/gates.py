"""Gates: a test holds requests where it wants them, and lets them go when it has seen enough."""

from dataclasses import dataclass
from threading import Condition

from .web import Call, HangUp


@dataclass(frozen=True)
class Gate:
    """Holds calls of `method` (None: any) whose path begins with `path`, before or after their work is done."""

    method: str | None
    path: str
    after_commit: bool

    def fits(self, call: Call, *, after_commit: bool) -> bool:
        """Say whether this gate holds the call at this point."""
        return (
            self.after_commit == after_commit
            and self.method in (None, call.method)
            and call.path.startswith(self.path)
        )


class Gates:
    """The gates that stand now, and the number of requests that wait at them."""

    def __init__(self) -> None:
        self._condition = Condition()
        self._gates: list[Gate] = []
        self._held = 0
        self._closing = False

    def close(self, gate: Gate) -> None:
        """Hold what fits this gate from now on."""
        with self._condition:
            self._gates.append(gate)

    def open(self, *, for_good: bool = False) -> None:
        """Take all gates away and let everything go on; `for_good`: hang up on everything that was held."""
        with self._condition:
            self._gates.clear()
            self._closing = for_good
            self._condition.notify_all()

    def pass_through(self, call: Call, *, after_commit: bool) -> None:
        """Wait while a gate holds this call."""
        if not self._gates:
            return
        with self._condition:
            while any(gate.fits(call, after_commit=after_commit) for gate in self._gates):
                self._held += 1
                self._condition.notify_all()
                self._condition.wait()
                self._held -= 1
            if self._closing:
                raise HangUp

    def wait_until_held(self, timeout: float, count: int) -> int:
        """Wait until `count` requests are held, at most `timeout` seconds (then TimeoutError); return how many."""
        with self._condition:
            if not self._condition.wait_for(lambda: self._held >= count, timeout):
                raise TimeoutError(f"{self._held} of {count} requests were held within {timeout} seconds.")
            return self._held
