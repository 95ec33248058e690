"""Reading a long list page by page while other people change it.

Close pages by position (``_skip``), so a row that goes away moves those behind it up, across the edge between two
pages, and a reader who just adds up positions never sees one of them; a row that moves up from further down is passed
over too. Therefore each page is asked to begin with the last row of the page before. Where it does, at every edge,
no row has moved over an edge between the two reads, whichever of them came first, and the walk has seen all rows that
were there all the time. Where it does not, the walk goes on to the end, since what it reads is right, and then the
list is read again from the top. A walk that was disturbed in each of its laps ends with ``ListMovedError``: who was
not seen on it is not missing.

This holds for whatever order the rows have, which Close does not document. (Two moves over the same edge that cancel
each other out within the moment between its two reads stay unseen.) The overlap costs one request in a hundred.
"""

from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any, Generic, Protocol, TypeVar

from .client import Client
from .errors import ListMovedError, ServerError

LAPS = 3
"""How often a list is read from the top before its rows are taken to move too much."""


class HasID(Protocol):
    """A record with an id."""

    @property
    def id(self) -> str: ...


R = TypeVar("R", bound=HasID)


@dataclass(frozen=True)
class Page(Generic[R]):
    """One page as it was read, without the row that the page before had already.

    ``began`` is what the caller's ``begin`` returned before the request was sent. ``lap`` is 1, and more where the
    list is read again from the top because rows moved: then all rows come once more.
    """

    records: list[R]
    began: Any
    skip: int
    lap: int = 1


@dataclass(frozen=True)
class _Read(Generic[R]):
    records: list[R]
    has_more: bool
    began: Any


def walk(
    client: Client,
    path: str,
    parse: Callable[[object], R],
    *,
    page_size: int | None = None,
    params: dict[str, str | int] | None = None,
    connections: int = 1,
    begin: Callable[[], Any] = lambda: None,
) -> Iterator[Page[R]]:
    """Yield the pages of a list in order, reading up to ``connections`` of them at a time ahead of the caller.

    ``page_size``: rows asked for; None asks for none, for lists without documented paging. ``begin`` is called
    before each request, in the caller's thread. No more than ``connections`` pages and the caller's own are held. Any
    ``CloseError`` ends the walk; ``ListMovedError`` where it cannot be known that all rows were seen.
    """

    def read(skip: int, began: Any) -> _Read[R]:
        size: dict[str, str | int] = {"_limit": page_size} if page_size else {}
        place: dict[str, str | int] = {"_skip": skip} if skip else {}
        return _rows(client.get(path, {**(params or {}), **size, **place}), path, parse, began)

    with ExitStack() as stack:
        threads = stack.enter_context(several(connections)) if connections > 1 else None

        def ask(skip: int) -> Callable[[], _Read[R]]:
            began = begin()
            return threads.submit(read, skip, began).result if threads else partial(read, skip, began)

        for lap in range(1, LAPS + 1):
            if (yield from _lap(ask, page_size, connections, lap)):
                return
        raise ListMovedError(f"GET {path}: rows moved in each of {LAPS} laps")


@contextmanager
def several(connections: int) -> Iterator[ThreadPoolExecutor]:
    """Threads that ask Close at the same time; what was not begun when the block ends is not asked for any more.

    By their name the services know these threads, whose database connections nobody else closes.
    """
    threads = ThreadPoolExecutor(connections, thread_name_prefix="close")
    try:
        yield threads
    finally:
        threads.shutdown(cancel_futures=True)


def _lap(
    ask: Callable[[int], Callable[[], _Read[R]]], page_size: int | None, connections: int, lap: int
) -> Generator[Page[R], None, bool]:
    """Yield all pages once and return whether nothing moved meanwhile.

    ``ask`` begins to read at a position and returns a function that waits for the page.
    """
    step, before, still = (page_size or 0) - 1, list[str](), True
    # The first page is read alone: most organisations have no second one.
    ahead = deque([(0, ask(0))])
    while True:
        skip, answer = ahead.popleft()
        page = answer()
        records, ids = page.records, [record.id for record in page.records]
        if before and ids[:1] == before[-1:]:
            records = records[1:]
        elif before:
            still = False
        if not page.has_more:
            yield Page(records, page.began, skip, lap)
            return still
        if len(ids) < 2 or ids == before:
            raise ServerError("a list in Close's answer goes on, but its next page has no new rows")
        if step != len(ids) - 1:
            # Close gives other numbers of rows than asked for, so what was read ahead leaves gaps.
            ahead.clear()
            step = len(ids) - 1
        before = ids
        furthest = ahead[-1][0] if ahead else skip
        while len(ahead) < connections:
            furthest += step
            ahead.append((furthest, ask(furthest)))
        yield Page(records, page.began, skip, lap)


def _rows(answer: dict[str, Any], path: str, parse: Callable[[object], R], began: Any) -> _Read[R]:
    rows, has_more = answer.get("data"), answer.get("has_more")
    if not isinstance(rows, list) or not isinstance(has_more, bool):
        raise ServerError(f"GET {path}: a list in Close's answer lacks 'data' or 'has_more'")
    return _Read([parse(row) for row in rows], has_more, began)


def records(pages: Iterator[Page[R]]) -> Iterator[R]:
    """Yield the records of pages, one after the other."""
    for page in pages:
        yield from page.records


def field_list(fields: Sequence[str] | None) -> dict[str, str | int]:
    """Return the parameter ``_fields``, with what a phone number's record cannot do without; none for None."""
    return {} if fields is None else {"_fields": ",".join(dict.fromkeys(["id", "number", *fields]))}
