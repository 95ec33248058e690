"""What the simulator was asked, in the order in which it was asked."""

import json
import time
from dataclasses import asdict, dataclass, field
from typing import Any

from .web import Call, Json

KEPT = 100_000


@dataclass(slots=True)
class Entry:
    """One request under `/api/v1` or `/oauth2`.

    `path` is below `/api/v1`, or begins with `/oauth2`, with a slash at both ends. `body` is the parsed JSON, or the
    text where it was none, or None. `status` is None while there is no answer, and stays so where none was sent.
    `received` is in seconds of the monotonic clock. `committed` says whether the organisation was changed by it,
    however the answer turned out.
    """

    method: str
    path: str
    query: dict[str, str]
    body: Any
    key: str | None
    received: float = field(default_factory=time.monotonic)
    status: int | None = None
    committed: bool = False


class Journal:
    """The requests in order; of very many, the last 100,000 at least."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []

    def write(self, call: Call, key: str | None) -> Entry:
        """Note that this call was received, and return its entry to be completed."""
        entry = Entry(call.method, call.path, call.query, _readable(call.body), key)
        self.entries.append(entry)
        if len(self.entries) > 2 * KEPT:
            del self.entries[:KEPT]
        return entry

    def puts(self, *, committed: bool | None = None) -> list[tuple[str, Any]]:
        """Return (number id, body) of every PUT of a phone number, or only of those that (did not) change it."""
        return [
            (entry.path.split("/")[2], entry.body)
            for entry in list(self.entries)
            if entry.method == "PUT"
            and entry.path.startswith("/phone_number/")
            and committed in (None, entry.committed)
        ]

    def as_json(self) -> list[Json]:
        """Return the entries as they are sent to other processes."""
        return [asdict(entry) for entry in list(self.entries)]


def _readable(body: bytes) -> Any:
    if not body:
        return None
    try:
        return json.loads(body)
    except ValueError:
        return body.decode(errors="replace")
