"""The history: what is put into it, and whether all of it still stands there as it was written (models/events.py)."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from django.conf import settings
from django.utils import timezone

from dashboard.access import Person
from dashboard.models import Change, Event, Kind, Outcome
from dashboard.models.events import BEGINNING, canonical, log

# The outcomes that stand in the history. A row of a plan that was never on its way has none.
RECORDED = (Outcome.APPLIED, Outcome.REFUSED, Outcome.CONFLICT, Outcome.FAILED, Outcome.OBSERVED)


def note(kind: str, *, actor: Person, about: str = "", words: str = "") -> None:
    """Put into the history what this person did, to whom or what, and what there is to say of it."""
    Event.objects.note(
        kind,
        who=actor.name,
        account=actor.user.pk,
        way=actor.way,
        address=actor.address,
        about=about,
        words=words,
    )


def record_changes(changes: Sequence[Change]) -> None:
    """Put the outcomes of these changes into the history, in the transaction that has just stored them."""
    Event.objects.append(
        [
            Event(
                kind=Kind.CHANGE,
                at=timezone.now(),
                who=change.plan.author_name,
                account=change.plan.author_id,
                about=change.number.number,
                words=Outcome(change.state).label,
                change=change,
                facts=facts_of(change),
            )
            for change in changes
        ]
    )


def facts_of(change: Change) -> str:
    """All of a change that stays as it is once it has its outcome, as canonical JSON."""
    return canonical(
        {
            "plan": change.plan_id,
            "source": change.plan.source,
            "author": change.plan.author_name,
            "reason": change.plan.reason,
            "number": change.number.close_id,
            "before": change.before,
            "after": change.after,
            "state": str(change.state),
            "answer": change.answer,
            "found": change.found,
            "error": change.error,
            "error_kind": change.error_kind,
            "undoes": change.undoes_id,
            "created_at": _iso(change.created_at),
            "sent_at": _iso(change.sent_at),
            "finished_at": _iso(change.finished_at),
        }
    )


def _iso(moment: datetime | None) -> str | None:
    return moment.astimezone(UTC).isoformat() if moment else None


_told: dict[str, str] = {}


def tell_head() -> None:
    """Write where the chain ends to standard output, once an hour: kept elsewhere, it shows what was cut off."""
    hour = f"{timezone.now():%Y-%m-%dT%H}"
    if _told.get("hour") == hour:
        return
    _told["hour"] = hour
    last = Event.objects.first()
    if last is not None:
        at = _iso(timezone.now())
        log.info("%s", canonical({"history": "head", "at": at, "position": last.position, "mac": last.mac}))


class BrokenError(Exception):
    """The history is not as it was written: `words` names the first place where it is not."""

    def __init__(self, words: str) -> None:
        super().__init__(words)
        self.words = words


@dataclass(frozen=True)
class Verified:
    """What was found in order: how many entries, and the MAC of the last one."""

    entries: int
    head: str


def verify(*, head: str = "") -> Verified:
    """Walk the chain from its beginning, and compare each outcome with its change; raises BrokenError.

    `head`: the MAC of an entry, as standard output had it once. It must still be in the chain: whoever cuts the end
    off cannot bring it back.
    """
    place, mac, met = 0, BEGINNING, not head
    for place, entry in enumerate(_entries(), 1):
        if entry.position != place or not _follows(entry, mac, place):
            raise BrokenError(_what_happened(place, mac, entry))
        if entry.change and entry.facts != facts_of(entry.change):
            raise BrokenError(f"Change {entry.change_id} was altered after entry {place} had recorded its outcome.")
        mac = entry.mac
        met = met or mac == head
    if not met:
        raise BrokenError(f"The history was cut off after entry {place}: the one with the head {head} is gone.")
    if unrecorded := _without_entry():
        raise BrokenError(f"Change {unrecorded} has an outcome and no entry: it was put in, or that was cut off.")
    return Verified(place, mac)


def _entries() -> Iterator[Event]:
    entries = Event.objects.order_by("position").select_related("change__plan", "change__number")
    return entries.iterator(chunk_size=500)


def _follows(entry: Event, mac: str, place: int) -> bool:
    """Whether this entry was written for this place, after the entry with this MAC."""
    return entry.previous == mac and entry.mac == entry.mac_at(place)


def _without_entry() -> int | None:
    """The first change that has an outcome and no entry, where it is not from before the history."""
    begun = Event.objects.filter(kind=Kind.BEGUN).order_by("position").first()
    recorded = Event.objects.filter(kind=Kind.CHANGE).values("change")
    changes = Change.objects.filter(state__in=RECORDED, pk__gt=int(begun.facts) if begun else 0)
    return changes.exclude(pk__in=recorded).order_by("pk").values_list("pk", flat=True).first()


def _what_happened(place: int, mac: str, found: Event) -> str:
    """What was done to the first entry that is not as it was written; `found` stands where it should."""
    if not any(entry.mac == entry.mac_at(entry.position) for entry in _entries()):
        drawn = "" if settings.AUDIT_KEY else " It is not set, so SECRET_KEY stands in for it."
        return f"No entry fits the key: AUDIT_KEY is another one than they were written with.{drawn}"
    written_for = _place_of(found)
    for entry in _entries():
        if entry.position > place and _follows(entry, mac, place):
            what = "moved" if written_for else "displaced by one that was put in"
            return f"Entry {place} was {what}: it stands in place {entry.position}."
    if found.position > place or written_for > place:
        return f"Entry {place} was deleted."
    if written_for:
        return f"Entry {place} was put in: it is a copy of entry {written_for}."
    return f"Entry {place} was altered, or put in: {found.get_kind_display()}, {found.at:%Y-%m-%d %H:%M}."


def _place_of(entry: Event) -> int:
    """The place that this entry was written for, wherever it stands now; 0 where it was not written by us."""
    last = Event.objects.first()
    places = range(1, (last.position if last else 0) + 100)
    return next((place for place in places if entry.mac == entry.mac_at(place)), 0)
