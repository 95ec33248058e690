"""The cache: Close's answers go in here, and only here.

The order of answers is a counter drawn from the database, when a read begins and when a write's answer arrives. An
older answer never replaces a newer one; the statement that writes compares. What differs from the answer before is
recorded as a change made in Close, unless it is what a change of ours was about to make.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from uuid import uuid4

from django.db import connection, transaction
from django.utils import timezone

from dashboard.close import PhoneNumberRecord
from dashboard.models import Answer, Change, Connection, Outcome, PhoneNumber, Plan, Source
from dashboard.models.plans import IN_FLIGHT
from dashboard.services import bulk, events, fields, members, outcomes

GONE_AFTER_WALKS = 2


def draw() -> int:
    """The next number in the order of reads and answers, which all processes share.

    On PostgreSQL nobody waits for it, so it may be drawn whatever rows a transaction holds. On SQLite one transaction
    writes at a time anyway.
    """
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SELECT nextval('dashboard_read_no')")
        else:
            cursor.execute(
                "INSERT INTO dashboard_counter (name, value) VALUES ('read', 1) "
                "ON CONFLICT (name) DO UPDATE SET value = dashboard_counter.value + 1 RETURNING value"
            )
        return int(cursor.fetchone()[0])


@dataclass
class Stored:
    """What became of some answers: how many were new, and which fields differed by number."""

    new: int = 0
    differed: dict[str, set[str]] = field(default_factory=dict)


def store(
    records: Sequence[PhoneNumberRecord],
    *,
    read_no: int,
    ours: Change | None = None,
    people: members.People | None = None,
) -> Stored:
    """Put Close's answers into the cache, in one short transaction.

    `read_no`: drawn before the read began, or when a write's answer arrived. `ours`: the change whose answer this
    is; what it set is not recorded as made by somebody else. `people`: a walk reads them once for all its pages.
    """
    stored = Stored()
    records = list({record.id: record for record in records}.values())
    with transaction.atomic(savepoint=False):
        # Their keys stay: a change that is stored meanwhile refers to them, and would wait in a circle with us. Their
        # answers are asked for once they are locked: PostgreSQL joins what was there before it waited for a lock.
        numbers = PhoneNumber.objects.select_for_update(of=("self",), no_key=True).prefetch_related("answer")
        known = {number.close_id: number for number in numbers.filter(close_id__in=[r.id for r in records])}
        raws = {number.close_id: _raw(number) for number in known.values()}
        new = [record for record in records if record.id not in known]
        same = [r for r in records if r.id in known and raws[r.id] == r.raw]
        different = [r for r in records if r.id in known and raws[r.id] != r.raw]

        if same:
            _seen_again(same, read_no)
        if new:
            stored.new = _insert(new, read_no, people or members.People())
        before = {record.id: _said_before(known[record.id]) for record in different}
        newer = [record for record in different if _update(known[record.id], record, read_no, before[record.id])]
        _redraw({known[r.id].pk: r for r in newer if _differ(r, raws[r.id], RELATED)}, people)
        seen = [known[record.id] for record in same + newer]
        observed = [_released(n, now=False) for n in seen if n.missing_since and n.read_no < read_no]
        sent = _sent([known[record.id] for record in newer], read_no) if newer and not ours else {}
        for record in newer:
            number = known[record.id]
            settled = ours.after if ours else _settle(sent.get(number.pk), record)
            names, change = _compare(number, before[record.id], record, settled)
            stored.differed[record.id] = names
            observed += [change] if change else []
        _record(observed)
    return stored


def _seen_again(records: Sequence[PhoneNumberRecord], read_no: int) -> None:
    PhoneNumber.objects.filter(close_id__in=[record.id for record in records], read_no__lt=read_no).update(
        read_no=read_no, fetched_at=timezone.now(), missed_walks=0, missing_since=None
    )


def _insert(records: Sequence[PhoneNumberRecord], read_no: int, people: members.People) -> int:
    by_id = {record.id: record for record in records}
    fresh = [
        {"close_id": record.id, "read_no": read_no, "missed_walks": 0}
        | _columns(record)
        | members.shown_of(record, people)
        for record in records
    ]
    # Another process may store the same page; whoever comes second finds the row and leaves it.
    bulk.insert(PhoneNumber, list(fresh[0]), [list(values.values()) for values in fresh])
    rows = PhoneNumber.objects.filter(close_id__in=by_id, read_no=read_no).values_list("pk", "close_id")
    inserted = {pk: by_id[close_id] for pk, close_id in rows}
    bulk.insert(Answer, ("number_id", "raw", "unsaid"), [(pk, record.raw, {}) for pk, record in inserted.items()])
    members.relate(inserted, people, new=True)
    return len(inserted)


def _raw(number: PhoneNumber) -> dict[str, object] | None:
    """Close's last answer for this number; None where there is none yet."""
    return number.raw if hasattr(number, "answer") else None


def _said_before(number: PhoneNumber) -> dict[str, object]:
    """What Close said last of each followed field, be it in an answer before the last one."""
    if not hasattr(number, "answer"):
        return {}
    return {**number.answer.unsaid, **fields.said(PhoneNumberRecord.parse(number.raw))}


def _update(number: PhoneNumber, record: PhoneNumberRecord, read_no: int, before: Mapping[str, object]) -> bool:
    """Store one answer unless a newer one is there; whether it was stored."""
    columns = _columns(record, number)
    if _differ(record, _raw(number), FOUND_BY):
        columns["search_text"] = members.found_by(number, record, columns)
    changed = PhoneNumber.objects.filter(pk=number.pk, read_no__lt=read_no).update(
        read_no=read_no, missed_walks=0, missing_since=None, **columns
    )
    if changed:
        now = fields.said(record)
        answer = {"raw": record.raw, "unsaid": {name: value for name, value in before.items() if name not in now}}
        if not Answer.objects.filter(number_id=number.pk).update(**answer):
            Answer.objects.create(number_id=number.pk, **answer)
    return bool(changed)


# What people and groups are drawn from, and what else the text is drawn from that a number is found by.
RELATED = ("participants", "user_id", "participant_groups")
FOUND_BY = ("number", "label", "forward_to", "phone_numbers")


def _differ(record: PhoneNumberRecord, raw: Mapping[str, object] | None, names: Sequence[str]) -> bool:
    """Whether an answer says something else than the one before it, of any of these."""
    return any(record.raw.get(name) != (raw or {}).get(name) for name in names)


def _redraw(records: Mapping[int, PhoneNumberRecord], people: members.People | None) -> None:
    """Draw people, teams and search text of these numbers anew: Close has said others than before."""
    if records:
        people = people or members.People()
        members.relate(records, people)
        members.describe(list(records), people)


def _columns(record: PhoneNumberRecord, before: PhoneNumber | None = None) -> dict[str, object]:
    """The columns of an answer. A key that Close left out leaves its column as it was."""
    values = {
        "number": record.number,
        "label": record.label or "",
        "type": record.type,
        "country": (record.country or "")[:2],
        "carrier_type": record.carrier_type or "",
        "forward_to": record.forward_to or "",
        "forward_to_enabled": record.forward_to_enabled,
        "press_1_to_accept": record.press_1_to_accept,
        "inbound_ring_duration": record.inbound_ring_duration,
        "voicemail_greeting_url": record.voicemail_greeting_url or "",
    }
    if before is not None:
        values = {name: value for name, value in values.items() if record.says(name)}
    values |= {
        "created_in_close": record.date_created,
        "updated_in_close": record.date_updated,
        "fetched_at": timezone.now(),
    }
    return values


def _compare(
    number: PhoneNumber, before: Mapping[str, object], record: PhoneNumberRecord, ours: Iterable[str]
) -> tuple[set[str], Change | None]:
    """What differs from what was said before, and the change made in Close that it amounts to, if it is one.

    `ours`: the names of the fields that a change of ours has set.
    """
    now = fields.said(record)
    names = set(fields.differing(now, before))
    not_ours = names - set(ours)
    if not not_ours:
        return names, None
    change = Change(
        number=number,
        before={name: before[name] for name in sorted(not_ours)},
        after={name: now[name] for name in sorted(not_ours)},
        state=Outcome.OBSERVED,
        observed_after=number.fetched_at,
    )
    return names, change


def _sent(numbers: Iterable[PhoneNumber], read_no: int) -> dict[int, Change]:
    """The changes of ours that were sent before this read began and whose outcome is open, by the number's key."""
    pks = [number.pk for number in numbers]
    sent = Change.objects.filter(number__in=pks, state__in=IN_FLIGHT, sent_no__lt=read_no).order_by()
    return {change.number_id: change for change in sent}


def _settle(change: Change | None, record: PhoneNumberRecord) -> list[str]:
    """Where Close now holds what an open change of ours set, that change is applied; the names of its fields."""
    now = fields.said(record)
    if change is None or not all(name in now for name in change.after) or fields.differing(change.after, now):
        return []
    answer = {name: now[name] for name in change.after}
    outcomes.finish(change, Outcome.APPLIED, answer=answer, error="", error_kind="")
    return list(change.after)


def _record(changes: Sequence[Change]) -> None:
    """Record changes made in Close: one plan for what one read has found."""
    if not changes:
        return
    now = timezone.now()
    organization_id = Connection.load().organization_id
    plan = Plan.objects.create(
        intent=uuid4(),
        source=Source.CLOSE,
        author_name="",
        organization_id=organization_id,
        state=Plan.State.DONE,
        digest="",
        created_at=now,
    )
    for change in changes:
        change.plan, change.created_at, change.finished_at = plan, now, now
    Change.objects.bulk_create(changes)
    events.record_changes(changes)


def mark_missing(numbers: Iterable[PhoneNumber], *, read_no: int) -> int:
    """Mark numbers as gone from Close, here and in the store, and record it; how many were not marked before.

    `read_no`: drawn before Close was asked. A number that was seen in a read that began later stays.
    """
    now, numbers = timezone.now(), list(numbers)
    with transaction.atomic():
        unseen = PhoneNumber.objects.select_for_update(of=("self",), no_key=True).filter(
            pk__in=[number.pk for number in numbers], missing_since__isnull=True, read_no__lt=read_no
        )
        gone = list(unseen)
        PhoneNumber.objects.filter(pk__in=[number.pk for number in gone]).update(missing_since=now, read_no=read_no)
        _record([_released(number, now=True) for number in gone])
    marked = {number.pk for number in gone}
    for number in numbers:
        if number.pk in marked:
            number.missing_since = now
    return len(gone)


def _released(number: PhoneNumber, *, now: bool) -> Change:
    """A number is gone from Close, or back again."""
    return Change(
        number=number,
        before={"released": not now},
        after={"released": now},
        state=Outcome.OBSERVED,
        observed_after=number.fetched_at,
    )
