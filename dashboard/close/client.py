"""The one door to Close: everything that is sent leaves here, and every failure comes back as a ``CloseError``."""

import base64
import json
import math
import re
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from http.cookiejar import DefaultCookiePolicy
from typing import Any
from urllib.parse import urlencode

import requests
import urllib3.exceptions

from .answers import decode, without
from .errors import (
    AuthenticationError,
    CloseError,
    ConnectionFailedError,
    RateLimitError,
    ServerError,
    from_answer,
)
from .failures import failure_of
from .pacing import BACKGROUND_PATIENCE, PATIENCE, LocalPacer, Pacer, group_of, parse_rate_limit, pause_after
from .transport import TimedAdapter

TRIES = 3
BACKOFF = 0.5
"""Seconds between the first try and the second; it doubles after that."""

SHORTEST_SECRET = 8
"""Characters from which on a key is struck out of Close's words; shorter ones only a simulator has."""

ID = r"[A-Za-z0-9_-]+"
ALLOWED = [
    ("GET", re.compile("me/")),
    ("GET", re.compile(f"user/({ID}/)?")),
    ("GET", re.compile(f"organization/{ID}/")),
    ("GET", re.compile(f"group/({ID}/)?")),
    ("GET", re.compile("role/")),
    ("GET", re.compile(f"phone_number/({ID}/)?")),
    ("PUT", re.compile(f"phone_number/{ID}/")),
    # Of OAuth, at the root of Close's address: see `oauth`.
    ("POST", re.compile("oauth2/(token|revoke)/")),
]
"""All that this program ever asks of Close. What is not here is not sent, whoever asks for it."""


@dataclass(frozen=True)
class _Request:
    method: str
    path: str
    params: Mapping[str, str | int] | None = None
    body: bytes | None = None
    # Forms carry secrets of their own, and no key; they change nothing in the organisation.
    form: bool = False

    @property
    def what(self) -> str:
        return f"{self.method} {self.path}"

    @property
    def writing(self) -> bool:
        return self.method != "GET" and not self.form


@dataclass(frozen=True)
class _Answer:
    status: int
    headers: Mapping[str, str]
    content: bytes


class _Authorization(requests.auth.AuthBase):
    """Puts the key into each request, so that it is never among the session's headers."""

    def __init__(self, value: str) -> None:
        self._value = value

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = self._value
        return request


class Client:
    """A connection to one Close organisation, safe to share between threads.

    ``base_url``: like ``https://api.close.com/api/v1``. ``api_key`` goes as Basic, ``access_token`` (which goes
    first) as Bearer: https://developer.close.com/topics/authentication/. ``timeout``: seconds for connecting and for
    each wait for bytes; a whole answer may take twice that. ``pacer`` is asked before each request; by default one
    in memory. ``background`` keeps to the share of the rate limit that is not for people, and waits longer.
    ``patience``: seconds for a GET's further tries. ``session`` may be given, and then stays open in ``close``.
    ``renew`` is asked for another token when Close has refused one: it gets that token and whether something was to
    be changed, and returns None where there is no other. ``secrets`` are struck out of Close's words like the key.

    A GET is tried three times at most; anything else once, since only the caller can find out what became of it. A
    401 was not carried out, so with another token it is sent once more.
    """

    def __init__(
        self,
        base_url: str,
        *,
        api_key: str = "",
        access_token: str = "",
        renew: Callable[[str, bool], str | None] | None = None,
        secrets: Iterable[str] = (),
        timeout: float = 10.0,
        pacer: Pacer | None = None,
        background: bool = False,
        patience: float | None = None,
        session: requests.Session | None = None,
        sleep: Callable[[float], None] = time.sleep,
        pool: int = 8,
    ) -> None:
        self.base_url = base_url.rstrip("/")
        if "@" in self.base_url:
            raise ValueError("The address of Close holds a user name or a password. Leave them out.")
        self.background = background
        self._timeout = timeout
        usual = BACKGROUND_PATIENCE if background else PATIENCE
        self._patience = usual if patience is None else patience
        self._pacer = pacer or LocalPacer(max_wait=self._patience, background_max_wait=self._patience, sleep=sleep)
        self._sleep = sleep
        self._renew = renew
        self._access_token = self._authorization = ""
        self._secrets: list[str] = []
        self._keep_secret(*secrets)
        if access_token.strip():
            self._authorize(access_token.strip())
        elif api_key.strip():
            basic = base64.b64encode(f"{api_key.strip()}:".encode()).decode()
            self._authorization = f"Basic {basic}"
            self._keep_secret(api_key.strip(), basic)
        self._own_session = session is None
        self._session = session or requests.Session()
        if session is None:
            adapter = TimedAdapter(pool)
            self._session.mount("https://", adapter)
            self._session.mount("http://", adapter)
        # Proxies, .netrc and cookies would put strangers' credentials on a request, or ours on a stranger's.
        self._session.trust_env = False
        self._session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))

    def __repr__(self) -> str:
        return f"Client({self.base_url!r}, background={self.background})"

    @property
    def has_key(self) -> bool:
        """Whether there is a key or a token, good or not."""
        return bool(self._authorization)

    def _authorize(self, access_token: str) -> None:
        self._keep_secret(access_token)
        self._access_token, self._authorization = access_token, f"Bearer {access_token}"

    def _keep_secret(self, *secrets: str) -> None:
        self._secrets = [*self._secrets, *(secret for secret in secrets if len(secret) >= SHORTEST_SECRET)]

    def close(self) -> None:
        """Close the connections, if they are the client's own."""
        if self._own_session:
            self._session.close()

    def get(self, path: str, params: Mapping[str, str | int] | None = None) -> dict[str, Any]:
        """Read ``path`` (relative, ending in a slash) and return the JSON object; CloseError if it fails."""
        started, waited, tries = time.monotonic(), 0.0, 0
        while True:
            tries += 1
            try:
                return self._once(_Request("GET", path, params))
            except CloseError as error:
                patience = self._patience - max(waited, time.monotonic() - started)
                wait = wait_before_retry("GET", error, tries, patience)
                if wait is None:
                    raise
                # After a 429 it is the pacer that waits: for this thread as for all others.
                pause = 0.0 if isinstance(error, RateLimitError) else wait
            waited += wait
            if pause:
                self._sleep(pause)

    def put(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """Change ``path`` once, never again by itself, and return the JSON object; CloseError if it fails."""
        return self._once(_Request("PUT", path, body=json.dumps(body, allow_nan=False).encode()))

    def post_form(self, path: str, fields: Mapping[str, str]) -> dict[str, Any]:
        """Send a form once, without a key, and return the JSON object; CloseError if it fails."""
        return self._once(_Request("POST", path, body=urlencode(fields).encode(), form=True))

    def _once(self, request: _Request) -> dict[str, Any]:
        method, path, what = request.method, request.path, request.what
        if not any(method == allowed and pattern.fullmatch(path) for allowed, pattern in ALLOWED):
            raise ValueError(f"closephones never asks Close for {method} {path!r}")
        if not self._authorization and not request.form:
            raise AuthenticationError(f"{what}: not sent, no key is set", unset=True, writing=request.writing)
        if self._authorization and not re.fullmatch(r"[!-~]+ [!-~]+", self._authorization):
            log = f"{what}: not sent, the key has characters that no key has"
            raise AuthenticationError(log, unset=True, writing=request.writing)
        used = self._access_token
        try:
            return self._send(request)
        except AuthenticationError as refused:
            newer = self._renew(used, request.writing) if self._renew and used and refused.status else None
            if newer is None:
                raise
        self._authorize(newer)
        return self._send(request)

    def _send(self, request: _Request) -> dict[str, Any]:
        """Wait for the pacer, send once, and return the JSON object, or raise what the answer means."""
        group, writing = group_of(request.method, request.path), request.writing
        try:
            self._pacer.before(group, background=self.background)
        except RateLimitError as error:
            # The pacer does not know what it refused, and people are told whether something was changed.
            raise RateLimitError(error.reset, error.log, writing=writing) from None
        limit = None
        try:
            answer = self._exchange(request)
            body = decode(answer.content)
            limit = parse_rate_limit(answer.headers, body)
            if answer.status == 429:
                self._pacer.pause(group, pause_after(limit))
        finally:
            self._pacer.after(group, limit)
        if 200 <= answer.status < 300:
            if isinstance(body, dict):
                return body
            log = f"{request.what}: {answer.status}, but the answer is not a JSON object"
            raise ServerError(log, status=answer.status, writing=writing)
        raise from_answer(
            answer.status,
            without(self._secrets, body),
            what=request.what,
            writing=writing,
            reset=pause_after(limit),
            retry_after=limit.reset if limit and "retry-after" in answer.headers else None,
        )

    def _exchange(self, request: _Request) -> _Answer:
        """Send one request and return its answer, or raise what its failure means.

        The error is raised outside the ``except`` block: inside, it would carry the library's exception along, and
        with it the request and its key.
        """
        headers = {"Accept": "application/json", "User-Agent": "closephones"}
        if request.body is not None:
            kind = "x-www-form-urlencoded" if request.form else "json"
            headers["Content-Type"] = f"application/{kind}"
        try:
            response = self._session.request(
                request.method,
                f"{self.base_url}/{request.path}",
                params=request.params,
                data=request.body,
                headers=headers,
                auth=None if request.form else _Authorization(self._authorization),
                timeout=self._timeout,
                allow_redirects=False,
            )
            return _Answer(response.status_code, response.headers, response.content)
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as failure:
            error = failure_of(failure, what=request.what, writing=request.writing)
        raise error


def wait_before_retry(method: str, error: CloseError, tries: int, patience: float) -> float | None:
    """Return the seconds to wait before the next try, or None where there is to be none.

    ``tries``: how many there were; ``patience``: the seconds that are left for waiting.
    """
    if method != "GET" or tries >= TRIES:
        return None
    wait = BACKOFF * 2.0 ** (tries - 1)
    if isinstance(error, RateLimitError):
        # Without a status it is the pacer's refusal, and the pacer has waited as long as it may.
        wait = error.reset if error.status else math.inf
    elif isinstance(error, ServerError):
        status = error.status or 0
        if 300 <= status < 400 or status == 501:
            return None
        wait = max(wait, error.retry_after or 0.0)
    elif not isinstance(error, ConnectionFailedError):
        return None
    return wait if wait <= patience else None
