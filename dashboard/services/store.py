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
from dashboard.models.plans import IN_FLIGHT, digest_of
from dashboard.services import fields, members, outcomes

GONE_AFTER_WALKS = 2


def draw(name: str = "read") -> int:
    """The next value of a counter that all processes share."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO dashboard_counter (name, value) VALUES (%s, 1) "
            "ON CONFLICT (name) DO UPDATE SET value = dashboard_counter.value + 1 RETURNING value",
            [name],
        )
        return int(cursor.fetchone()[0])


@dataclass
class Stored:
    """What became of some answers: how many were new, and which fields differed by number."""

    new: int = 0
    differed: dict[str, set[str]] = field(default_factory=dict)


def store(records: Sequence[PhoneNumberRecord], *, read_no: int, ours: Change | None = None) -> Stored:
    """Put Close's answers into the cache, in one short transaction.

    `read_no`: drawn before the read began, or when a write's answer arrived. `ours`: the change whose answer this
    is; what it set is not recorded as made by somebody else.
    """
    stored = Stored()
    records = list({record.id: record for record in records}.values())
    with transaction.atomic(savepoint=False):
        ids = [record.id for record in records]
        known = {
            number.close_id: number
            for number in PhoneNumber.objects.select_for_update(of=("self",)).filter(close_id__in=ids)
        }
        raws = dict(Answer.objects.filter(number__in=known.values()).values_list("number_id", "raw"))
        new = [record for record in records if record.id not in known]
        same = [r for r in records if r.id in known and raws.get(known[r.id].pk) == r.raw]
        different = [r for r in records if r.id in known and raws.get(known[r.id].pk) != r.raw]

        _seen_again(same, read_no)
        stored.new = _insert(new, read_no)
        newer = [record for record in different if _update(known[record.id], record, read_no)]
        _redraw({known[r.id].pk: r for r in newer}, raws)
        seen = [known[record.id] for record in same + newer]
        observed = [_released(n, now=False) for n in seen if n.missing_since and n.read_no < read_no]
        for record in newer:
            number = known[record.id]
            names, change = _compare(number, raws.get(number.pk, {}), record, read_no, ours)
            stored.differed[record.id] = names
            observed += [change] if change else []
        _record(observed)
    return stored


def _seen_again(records: Sequence[PhoneNumberRecord], read_no: int) -> None:
    PhoneNumber.objects.filter(close_id__in=[record.id for record in records], read_no__lt=read_no).update(
        read_no=read_no, fetched_at=timezone.now(), missed_walks=0, missing_since=None
    )


def _insert(records: Sequence[PhoneNumberRecord], read_no: int) -> int:
    if not records:
        return 0
    fresh = [PhoneNumber(close_id=record.id, read_no=read_no, **_columns(record)) for record in records]
    by_id = {record.id: record for record in records}
    members.draw_new(fresh, by_id)
    # Another process may store the same page; whoever comes second finds the row and leaves it.
    PhoneNumber.objects.bulk_create(fresh, ignore_conflicts=True)
    rows = PhoneNumber.objects.filter(close_id__in=by_id, read_no=read_no).values_list("pk", "close_id")
    pairs = {pk: by_id[close_id] for pk, close_id in rows}
    Answer.objects.bulk_create(
        [Answer(number_id=pk, raw=record.raw) for pk, record in pairs.items()], ignore_conflicts=True
    )
    members.relate(pairs)
    return len(pairs)


def _update(number: PhoneNumber, record: PhoneNumberRecord, read_no: int) -> bool:
    """Store one answer unless a newer one is there; whether it was stored."""
    changed = PhoneNumber.objects.filter(pk=number.pk, read_no__lt=read_no).update(
        read_no=read_no, missed_walks=0, missing_since=None, **_columns(record, number)
    )
    if changed and not Answer.objects.filter(number_id=number.pk).update(raw=record.raw):
        Answer.objects.create(number_id=number.pk, raw=record.raw)
    return bool(changed)


# What people and groups are drawn from, and what else a number is found by.
RELATED = ("participants", "user_id", "participant_groups")
FOUND_BY = ("number", "label", "forward_to", "phone_numbers")


def _redraw(records: Mapping[int, PhoneNumberRecord], raws: Mapping[int, dict[str, object]]) -> None:
    """Draw people, teams and search text of these numbers anew, as far as what they are drawn from differs."""

    def differ(names: tuple[str, ...]) -> dict[int, PhoneNumberRecord]:
        return {
            pk: record
            for pk, record in records.items()
            if any(record.raw.get(name) != raws.get(pk, {}).get(name) for name in names)
        }

    if related := differ(RELATED):
        members.relate(related)
        members.describe(list(related))
    members.index({pk: record for pk, record in differ(FOUND_BY).items() if pk not in related})


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
    number: PhoneNumber, raw: dict[str, object], record: PhoneNumberRecord, read_no: int, ours: Change | None
) -> tuple[set[str], Change | None]:
    """What differs from the answer before, and the change made in Close that it amounts to, if it is one."""
    before = fields.said(PhoneNumberRecord.parse(raw)) if raw else {}
    now = fields.said(record)
    names = set(fields.differing(now, before))
    not_ours = names - set(ours.after if ours else _settle(number, now, read_no))
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


def _settle(number: PhoneNumber, now: dict[str, object], read_no: int) -> list[str]:
    """Where Close now holds what an open change of ours set, that change is applied; the names of its fields."""
    change = number.changes.filter(state__in=IN_FLIGHT, sent_no__lt=read_no).first()
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
        digest=digest_of(organization_id, changes),
        created_at=now,
    )
    for change in changes:
        change.plan, change.created_at, change.finished_at = plan, now, now
    Change.objects.bulk_create(changes)


def mark_missing(numbers: Iterable[PhoneNumber], *, read_no: int) -> int:
    """Mark numbers as gone from Close, and record it; how many were not marked before.

    `read_no`: drawn before Close was asked. A number that was seen in a read that began later stays.
    """
    now = timezone.now()
    with transaction.atomic():
        unseen = PhoneNumber.objects.select_for_update(of=("self",)).filter(
            pk__in=[number.pk for number in numbers], missing_since__isnull=True, read_no__lt=read_no
        )
        gone = list(unseen)
        PhoneNumber.objects.filter(pk__in=[number.pk for number in gone]).update(missing_since=now, read_no=read_no)
        _record([_released(number, now=True) for number in gone])
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
