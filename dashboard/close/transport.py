"""Connections on which an answer has to be complete in time.

The time limit of requests holds for each wait for bytes, so an answer that drips, a byte every few seconds, would
hold a thread for ever. Here each wait is cut at the moment by which the whole answer, head and body, has to be there.
"""

import functools
import http.client
import io
import socket
import time
from typing import Any

from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

WHOLE_ANSWER = 2.0
"""A whole answer may take this many times the limit for one wait."""


class _TimedReader(io.RawIOBase):
    """Reads from a socket until a deadline on the monotonic clock."""

    def __init__(self, raw: io.RawIOBase, sock: socket.socket, deadline: float) -> None:
        self._raw = raw
        self._sock = sock
        self._deadline = deadline
        self._wait = sock.gettimeout() or deadline

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError("the answer was not complete in time")
        if self._sock.fileno() >= 0:
            self._sock.settimeout(min(self._wait, left))
        return self._raw.readinto(buffer)

    def close(self) -> None:
        self._raw.close()
        super().close()


class _TimedResponse(http.client.HTTPResponse):
    def __init__(self, sock: socket.socket, *args: Any, deadline: float, **kwargs: Any) -> None:
        super().__init__(sock, *args, **kwargs)
        self.fp = io.BufferedReader(_TimedReader(self.fp.detach(), sock, deadline))


def _timed(wait: float | None) -> Any:
    """Return the class of an answer whose time begins now."""
    deadline = time.monotonic() + WHOLE_ANSWER * (wait or 0.0)
    return functools.partial(_TimedResponse, deadline=deadline)


class _HTTPConnection(HTTPConnection):
    def getresponse(self) -> Any:
        self.response_class = _timed(self.timeout)
        return super().getresponse()


class _HTTPSConnection(HTTPSConnection):
    def getresponse(self) -> Any:
        self.response_class = _timed(self.timeout)
        return super().getresponse()


class _HTTPPool(HTTPConnectionPool):
    ConnectionCls = _HTTPConnection


class _HTTPSPool(HTTPSConnectionPool):
    ConnectionCls = _HTTPSConnection


class TimedAdapter(HTTPAdapter):
    """One pool of connections whose answers have to be complete in time; it never sends anything twice."""

    def __init__(self, pool: int) -> None:
        super().__init__(pool_connections=1, pool_maxsize=pool, max_retries=0, pool_block=False)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = {"http": _HTTPPool, "https": _HTTPSPool}
