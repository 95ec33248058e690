"""The simulator: an organisation, behind HTTP, with everything that a test or a demo wants to do to it."""

from collections.abc import Iterable, Mapping
from functools import partial
from pathlib import Path
from threading import Event, Timer
from typing import Any, Self

from .api import Desk
from .control import control
from .faults import Case, Switchboard, spoil_numbers
from .gates import Gate, Gates
from .grants import Grants
from .journal import Entry, Journal
from .keys import key_of
from .limits import Limiter, too_many
from .organisation import Organisation
from .recordings import greeting
from .server import Server
from .state import Keeper
from .web import Answer, Call, HangUp, Json, error

API = "/api/v1"
OAUTH = "/oauth2/"
DEMO_KEY = "api_demo"
DEMO_TOKEN = "token_demo"  # noqa: S105 (it opens nothing but this made-up organisation)
DEMO_CLIENT = {"oa2client_demo": "secret_demo"}


class Simulator:
    """A Close organisation on loopback. Use it as a context manager, or `start()` and `stop()` it.

    `port` 0 takes any free port, and keeps it over a stop and a start. `rate_limit` is the number of requests per
    `window` seconds, endpoint group and key. `keys` are the API keys that are known (Basic), `tokens` the access
    tokens (Bearer) beside those that OAuth gives, `clients` the ids and secrets of its applications; all act as
    `organisation.me`. With `state`, the organisation is kept in that file from the start
    on; `state.load` reads it.
    """

    def __init__(
        self,
        organisation: Organisation,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        rate_limit: int = 1000,
        window: float = 1.0,
        latency_ms: float = 0,
        keys: Iterable[str] = (DEMO_KEY,),
        tokens: Iterable[str] = (DEMO_TOKEN,),
        clients: Mapping[str, str] = DEMO_CLIENT,
        state: Path | None = None,
    ) -> None:
        self.organisation = organisation
        self._host = host
        self._port = port
        self._keys = frozenset(keys)
        self._tokens = frozenset(tokens)
        self.grants = Grants(organisation, clients)
        self._first = (rate_limit, window, latency_ms)
        self._latency = latency_ms / 1000
        self._limiter = Limiter(rate_limit, window)
        self._desk = Desk(organisation)
        self._switchboard = Switchboard()
        self._gates = Gates()
        self._journal = Journal()
        self._delayed: dict[Timer, partial[Answer]] = {}
        self._stopping = Event()
        self._state = state
        self._keeper: Keeper | None = None
        self._server: Server | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *error: object) -> None:
        self.stop()

    def start(self) -> None:
        """Begin to serve; OSError where the port is taken, ValueError where the host is not loopback."""
        self._stopping.clear()
        self._gates = Gates()
        self._server = Server(self._host, self._port, self._respond)
        self._port = self._server.port
        self.organisation.move_to(self.origin)
        if self._state:
            self._keeper = Keeper(self.organisation, self._state)
            self._keeper.start()
        self._server.start()

    def stop(self) -> None:
        """Stop serving: what waits is hung up on, what was to be done later is not done, the state is written."""
        self._stopping.set()
        self._gates.open(for_good=True)
        for timer in list(self._delayed):
            timer.cancel()
        self._delayed.clear()
        if self._server:
            self._server.stop()
        if self._keeper:
            self._keeper.stop()
        self._server = self._keeper = None

    @property
    def origin(self) -> str:
        """Where it is, `http://127.0.0.1:8765`. Without a port of its own it is known from the first start on."""
        return f"http://{self._host}:{self._port}"

    @property
    def url(self) -> str:
        """The base URL of the API, without a slash at its end."""
        return self.origin + API

    @property
    def journal(self) -> list[Entry]:
        """What was asked under `/api/v1` and `/oauth2`, in order: the list itself, so that `clear()` begins anew."""
        return self._journal.entries

    def journal_as_json(self) -> list[Json]:
        """Return the same as objects that JSON can carry."""
        return self._journal.as_json()

    def puts(self, *, committed: bool | None = None) -> list[tuple[str, Any]]:
        """Return (number id, body) of every PUT of a phone number, or only of those that (did not) change it."""
        return self._journal.puts(committed=committed)

    def fault(
        self,
        name: str,
        rate: float = 1.0,
        times: int | None = None,
        method: str | None = None,
        path: str | None = None,
        delay: float | None = None,
    ) -> None:
        """Switch a fault of `faults.FAULTS` on: for calls of this method whose path begins with this path, at this
        rate, so many times, with this delay in seconds (without: its own). ValueError, in words, where there is no
        such fault."""
        self._switchboard.switch_on(name, rate, times, method, below_api(path), delay)

    def clear_faults(self) -> None:
        """Switch all faults off."""
        self._switchboard.switch_off()

    def faults(self) -> list[Json]:
        """Return the faults that are on."""
        return [
            {"name": one.fault.name, "rate": one.rate, "times": one.times, "method": one.method, "path": one.path}
            for one in self._switchboard.switches
        ]

    def do_later(self) -> None:
        """Do now what the fault done-later put off."""
        for timer in list(self._delayed):
            timer.cancel()
            self._do(timer)

    def change_as_somebody_else(self, number_id: str, **fields: Any) -> Json:
        """Change a number in Close behind everybody's back, unchecked; return it."""
        return self.organisation.change(number_id, fields)

    def hide(self, number_id: str) -> None:
        """Release a number."""
        self.organisation.hide(number_id)

    def show(self, number_id: str) -> None:
        """Bring a hidden number back."""
        self.organisation.show(number_id)

    def permissions(self, *, manage: bool, refusal_status: int = 403) -> None:
        """Give the caller the permission to manage phone numbers or take it; a refusal has this status."""
        self.organisation.permit(manage=manage)
        self._desk.refusal_status = refusal_status

    def end_access_tokens(self) -> None:
        """Let every access token that OAuth has given end now."""
        self.grants.end_access_tokens()

    def forget_grants(self) -> None:
        """Take back all that was allowed by OAuth: access tokens and refresh tokens."""
        self.grants.forget()

    def limit(self, rate: int, window: float = 1.0) -> None:
        """Allow `rate` requests per endpoint group and key in windows of so many seconds."""
        self._limiter.set(rate, window)

    def latency(self, ms: float) -> None:
        """Let each answer take so many milliseconds."""
        self._latency = ms / 1000

    def hold(self, method: str | None = None, path_prefix: str = "", *, after_commit: bool = False) -> None:
        """Hold such requests before anything is done, or `after_commit` and before the answer, until `release`."""
        self._gates.close(Gate(method, below_api(path_prefix), after_commit))

    def release(self) -> None:
        """Let go what is held, and hold nothing more."""
        self._gates.open()

    def wait_until_held(self, timeout: float = 5.0, count: int = 1) -> int:
        """Wait until `count` requests are held (TimeoutError after so many seconds); return how many are."""
        return self._gates.wait_until_held(timeout, count)

    def reset(self) -> None:
        """Be again as after the first start: organisation, permissions, limits; no faults, an empty journal."""
        self.release()
        self.clear_faults()
        for timer in list(self._delayed):
            timer.cancel()
        self._delayed.clear()
        self.organisation.reset()
        self.grants.forget()
        self._desk.refusal_status = 403
        rate, window, latency_ms = self._first
        self.limit(rate, window)
        self.latency(latency_ms)
        self._journal.entries.clear()

    def _respond(self, call: Call) -> Answer:
        if call.path.startswith("/_control/"):
            return control(self, call)
        if call.path.startswith("/greetings/"):
            return greeting(call)
        if call.path.startswith((API + "/", OAUTH)):
            call.path = below_api(call.path)
            return self._api(call)
        return error(404, "Not Found")

    def _api(self, call: Call) -> Answer:
        key = key_of(call, self._keys, self._tokens | self.grants.access_tokens())
        entry = self._journal.write(call, key)
        self._gates.pass_through(call, after_commit=False)
        self._wait(self._latency)
        group = f"{call.method} {call.path.split('/')[1]}"
        standing = self._limiter.count(group, key or "")
        if not standing.allowed:
            answer = too_many(standing, group)
        elif key is None and not call.path.startswith(OAUTH):
            answer = error(401, "Unauthorized")
        else:
            answer = self._answer(call, entry)
        if answer.status != 429:
            # A 429, be it real or a fault, says itself when to come back.
            answer.headers["RateLimit"] = standing.header
        entry.status = answer.status
        return answer

    def _answer(self, call: Call, entry: Entry) -> Answer:
        """Do the work, with the faults that this call meets in their places."""
        met = [
            (
                switch.fault,
                Case(
                    call,
                    self.organisation,
                    switch.delay,
                    self._wait,
                    partial(self._put_off, partial(self._perform, call, entry)),
                ),
            )
            for switch in self._switchboard.for_call(call)
        ]
        for fault, case in met:
            if fault.before and (answer := fault.before(case)):
                return answer
        if self._stopping.is_set():
            raise HangUp
        answer = self._perform(call, entry)
        self._gates.pass_through(call, after_commit=True)
        spoil_numbers(call, answer, [fault for fault, _ in met])
        for fault, case in met:
            if fault.after:
                answer = fault.after(case, answer)
        return answer

    def _perform(self, call: Call, entry: Entry) -> Answer:
        if call.path.startswith(OAUTH):
            return self.grants.answer(call)
        answer, entry.committed = self._desk.perform(call)
        return answer

    def _put_off(self, work: partial[Answer], seconds: float) -> None:
        timer = Timer(seconds, lambda: self._do(timer))
        timer.daemon = True
        self._delayed[timer] = work
        timer.start()

    def _do(self, timer: Timer) -> None:
        # Whoever takes it out does it: the timer, or a test that does not want to wait.
        if work := self._delayed.pop(timer, None):
            work()

    def _wait(self, seconds: float) -> None:
        if seconds and self._stopping.wait(seconds):
            raise HangUp


def below_api(path: str | None) -> str:
    """Return a path as the documentation writes it: `/phone_number/`, whether it came with `/api/v1` or without."""
    return "/" + (path or "").removeprefix(API).lstrip("/")
