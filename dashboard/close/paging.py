"""Reading a long list page by page while other people change it.

Close pages by position (``_skip``), so a row that goes away moves those behind it up, across the edge between two
pages, and a reader who just adds up positions never sees one of them. Therefore each page begins with the last row
of the page before. As long as that row, or any other row of the page before, is on the next page, nothing between
them was passed over, whenever and in whichever order the two were read: rows keep their order, and a page has all
rows between its first and its last. Where the pages share no row, the page is read again from further up.

So a walk that comes to its end has seen each row that was there all the time. One that cannot connect its pages ends
with ``ServerError``: it did not come to its end, and who was not seen on it is not missing. The order is taken as
fixed; Close does not document it. The overlap costs one request in a hundred.
"""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from typing import Any, Generic, Protocol, TypeVar

from .client import Client
from .errors import ServerError


class HasID(Protocol):
    """A record with an id."""

    @property
    def id(self) -> str: ...


R = TypeVar("R", bound=HasID)


@dataclass(frozen=True)
class Page(Generic[R]):
    """One page as it was read. ``began`` is what the caller's ``begin`` returned before the request was sent.

    Rows that the page before had already are left out.
    """

    records: list[R]
    began: Any
    skip: int


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
    before each request, in the thread that sends it: the caller's own where ``connections`` is 1. No more than
    ``connections`` pages and the caller's own are held. Any ``CloseError`` ends the walk, ``ServerError`` also where
    pages do not connect.
    """

    def read(skip: int) -> _Read[R]:
        began = begin()
        size: dict[str, str | int] = {"_limit": page_size} if page_size else {}
        place: dict[str, str | int] = {"_skip": skip} if skip else {}
        return _rows(client.get(path, {**(params or {}), **size, **place}), path, parse, began)

    with ExitStack() as stack:
        ask: Callable[[int], Callable[[], _Read[R]]] = partial(partial, read)
        if connections > 1:
            threads = ThreadPoolExecutor(connections, thread_name_prefix="close")
            # Pages that nobody will look at are not asked for any more when the caller stops early.
            stack.callback(threads.shutdown, cancel_futures=True)

            def ask(skip: int) -> Callable[[], _Read[R]]:
                return threads.submit(read, skip).result

        yield from _connected(ask, page_size, connections)


def _connected(
    ask: Callable[[int], Callable[[], _Read[R]]], page_size: int | None, connections: int
) -> Iterator[Page[R]]:
    """Yield connected pages. ``ask`` begins to read at a position and returns a function that awaits the page."""
    step = (page_size or 0) - 1
    known = set[str]()
    # The first page is read alone: most organisations have no second one.
    ahead = deque([(0, ask(0))])
    while True:
        skip, answer = ahead.popleft()
        page = answer()
        if known and not _connects(page, known):
            ahead.clear()
            skip, page = _read_again(ask, skip, step, known)
        fresh = [record for record in page.records if record.id not in known]
        if not page.has_more:
            yield Page(fresh, page.began, skip)
            return
        if not fresh or len(page.records) < 2:
            raise ServerError("a list in Close's answer goes on, but its next page has no new rows")
        if step != len(page.records) - 1:
            # Close gives other numbers of rows than asked for, so what was read ahead leaves gaps.
            ahead.clear()
            step = len(page.records) - 1
        known = {record.id for record in page.records}
        furthest = ahead[-1][0] if ahead else skip
        while len(ahead) < connections:
            furthest += step
            ahead.append((furthest, ask(furthest)))
        yield Page(fresh, page.began, skip)


def _connects(page: _Read[R], known: set[str]) -> bool:
    return any(record.id in known for record in page.records)


def _read_again(
    ask: Callable[[int], Callable[[], _Read[R]]], skip: int, step: int, known: set[str]
) -> tuple[int, _Read[R]]:
    """Return where the page that goes on from the known rows is now, and the page: a little further up at first."""
    for back in (step // 10 + 1, step // 2 + 1, step, 2 * step, 3 * step):
        place = max(0, skip - back)
        page = ask(place)()
        if _connects(page, known):
            return place, page
    raise ServerError("the rows of a list moved too fast to read it to its end; those read so far are right")


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
