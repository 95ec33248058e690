"""What a library's exception means: that nothing left, that no answer came, or that it broke off."""

import ssl
from collections.abc import Iterator

import urllib3.exceptions
from requests import exceptions as failures

from .errors import CloseError, ConnectionFailedError, ServerError

# What fails before a byte of the request has left.
UNSENT = (
    failures.ConnectTimeout,
    failures.InvalidURL,
    failures.InvalidSchema,
    failures.MissingSchema,
    failures.InvalidHeader,
    urllib3.exceptions.NewConnectionError,
    urllib3.exceptions.ConnectTimeoutError,
    ssl.SSLCertVerificationError,
)
# An answer that broke off or cannot be unpacked: Close was reached, and its answer is of no use.
BROKEN = (failures.ChunkedEncodingError, failures.ContentDecodingError)


def failure_of(failure: Exception, *, what: str, writing: bool) -> CloseError:
    """Return what a library's exception means. Its text is not kept, since it can hold the address or a header."""
    causes = list(_causes(failure))
    log = f"{what}: {' < '.join(type(cause).__name__ for cause in causes)}"
    if isinstance(failure, BROKEN):
        return ServerError(log, writing=writing)
    return ConnectionFailedError(log, writing=writing, sent=not any(isinstance(c, UNSENT) for c in causes))


def _causes(failure: object, depth: int = 6) -> Iterator[BaseException]:
    """Yield an exception and those that it says it was made of: in ``reason``, or as its first argument."""
    while isinstance(failure, BaseException) and depth:
        yield failure
        depth -= 1
        failure = getattr(failure, "reason", None) or (failure.args[0] if failure.args else None)
