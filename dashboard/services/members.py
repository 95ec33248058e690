"""The people and groups of the organisation in the cache, and what the table shows of them for each number.

A number's members and groups are relations; its teams (its groups and the groups of its active members), the names
in the row, what it is sorted by and the text it is found by are drawn from them here, whenever one of them changes.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django.db import transaction

from dashboard.close import GroupRecord, OrganizationRecord, PhoneNumberRecord
from dashboard.models import Answer, Group, Member, PhoneNumber
from dashboard.models.numbers import SORTED_LENGTH
from dashboard.models.people import UNKNOWN_GROUP, UNKNOWN_PERSON

CHUNK = 500
SHOWN = ("people", "team_names", "team_keys", "people_sort", "teams_sort", "search_text")


def store_people(organization: OrganizationRecord, groups: Sequence[GroupRecord]) -> None:
    """Put Close's people and groups into the cache and redraw the numbers that they show on.

    Someone who is in no list any more has left; their name stays known.
    """
    with transaction.atomic():
        groups_of, renamed = _store_groups(groups)
        touched = _store_members(organization, groups_of)
    # A renamed group shows on the numbers of its people as well.
    on_them = PhoneNumber.objects.filter(members__in=touched) | PhoneNumber.objects.filter(groups__in=renamed)
    pks = sorted(
        {*on_them.values_list("pk", flat=True), *PhoneNumber.objects.of_teams(renamed).values_list("pk", flat=True)}
    )
    for start in range(0, len(pks), CHUNK):
        with transaction.atomic():
            describe(pks[start : start + CHUNK])


def _store_groups(groups: Sequence[GroupRecord]) -> tuple[dict[str, set[int]], set[int]]:
    """Store the groups; the groups of each person (by Close's id), and which groups have another name now."""
    known = {group.close_id: group for group in Group.objects.all()}
    groups_of: dict[str, set[int]] = defaultdict(set)
    renamed = set()
    for record in groups:
        group = known.pop(record.id, None)
        if group is None:
            group = Group.objects.create(close_id=record.id, name=record.name)
        elif (group.name, group.gone) != (record.name, False):
            Group.objects.filter(pk=group.pk).update(name=record.name, gone=False)
            renamed.add(group.pk)
        for member_id in record.member_ids:
            groups_of[member_id].add(group.pk)
    Group.objects.filter(pk__in=[group.pk for group in known.values()]).update(gone=True)
    return groups_of, renamed


def _store_members(organization: OrganizationRecord, groups_of: Mapping[str, set[int]]) -> set[int]:
    """Store the people; the keys of those who show differently now."""
    known = {member.close_id: member for member in Member.objects.prefetch_related("groups")}
    said = {m.user_id: (m.name or UNKNOWN_PERSON, m.email, False) for m in organization.inactive_memberships}
    said |= {m.user_id: (m.name or UNKNOWN_PERSON, m.email, True) for m in organization.memberships}
    for close_id, member in known.items():
        said.setdefault(close_id, (member.name, member.email, False))
    touched = set()
    for close_id, (name, email, active) in said.items():
        member = known.get(close_id) or Member(close_id=close_id)
        groups = groups_of.get(close_id, set())
        before = {group.pk for group in member.groups.all()} if member.pk else set()
        if member.pk and (member.name, member.email, member.active, before) == (name, email, active, groups):
            continue
        member.name, member.email, member.active = name, email, active
        member.save()
        member.groups.set(groups)
        touched.add(member.pk)
    return touched


def relate(records: Mapping[int, PhoneNumberRecord]) -> None:
    """Set members and groups of these numbers (by key) to what Close said.

    An id that Close has not told us of gets a place of its own, so that nobody on a number is passed over.
    """
    _set_relation(PhoneNumber.members.through, "member_id", _said_members(records))
    _set_relation(PhoneNumber.groups.through, "group_id", _said_groups(records))


def _said_members(records: Mapping[Any, PhoneNumberRecord]) -> dict[Any, set[int]]:
    wanted = {key: set(r.member_ids) for key, r in records.items() if r.member_ids is not None}
    return _keys(Member, wanted, UNKNOWN_PERSON)


def _said_groups(records: Mapping[Any, PhoneNumberRecord]) -> dict[Any, set[int]]:
    wanted = {key: set(r.participant_groups) for key, r in records.items() if r.says("participant_groups")}
    return _keys(Group, wanted, UNKNOWN_GROUP)


def _keys(model: Any, wanted: Mapping[Any, set[str]], unknown_name: str) -> dict[Any, set[int]]:
    """The wanted ids of each number as keys of `model`."""
    ids = set().union(*wanted.values()) if wanted else set()
    keys = dict(model.objects.filter(close_id__in=ids).values_list("close_id", "pk"))
    for close_id in ids - set(keys):
        unknown = {"name": unknown_name} | ({"active": False} if model is Member else {"gone": True})
        keys[close_id] = model.objects.get_or_create(close_id=close_id, defaults=unknown)[0].pk
    return {number: {keys[close_id] for close_id in close_ids} for number, close_ids in wanted.items()}


def _set_relation(through: Any, column: str, wanted: Mapping[int, set[int]]) -> None:
    """Make the rows of a relation what is wanted for these numbers, touching only what differs."""
    rows = through.objects.filter(phonenumber__in=wanted)
    have = {(number, other): pk for pk, number, other in rows.values_list("pk", "phonenumber_id", column)}
    want = {(number, other) for number, others in wanted.items() for other in others}
    through.objects.filter(pk__in=[pk for pair, pk in have.items() if pair not in want]).delete()
    missing = [through(phonenumber_id=number, **{column: other}) for number, other in sorted(want - set(have))]
    through.objects.bulk_create(missing, ignore_conflicts=True)


def describe(pks: Sequence[int]) -> None:
    """Draw people, teams, sort keys and search text of these numbers from their relations."""
    members = _by_number(Member, _related(PhoneNumber.members.through, "member_id", pks))
    groups = _by_number(Group, _related(PhoneNumber.groups.through, "group_id", pks))
    outside = dict(Answer.objects.filter(number__in=pks).values_list("number_id", "raw__phone_numbers"))
    changed = []
    for number in PhoneNumber.objects.filter(pk__in=pks):
        before = [getattr(number, name) for name in SHOWN]
        _draw(number, members[number.pk], groups[number.pk], outside.get(number.pk) or [])
        if before != [getattr(number, name) for name in SHOWN]:
            changed.append(number)
    PhoneNumber.objects.bulk_update(changed, SHOWN, batch_size=100)


def draw_new(numbers: Sequence[PhoneNumber], records: Mapping[str, PhoneNumberRecord]) -> None:
    """The same for numbers that are about to be inserted, from what Close said (by Close's id)."""
    members, groups = _by_number(Member, _said_members(records)), _by_number(Group, _said_groups(records))
    for number in numbers:
        outside = records[number.close_id].phone_numbers
        _draw(number, members[number.close_id], groups[number.close_id], outside)


def _draw(number: PhoneNumber, members: Iterable[Member], groups: Iterable[Group], outside: Iterable[object]) -> None:
    """Put into the row what the table shows of a number's people and teams."""
    people = sorted(members, key=lambda member: (not member.active, member.name.casefold()))
    of_number = {group.pk: group for group in groups}
    for member in people:
        of_number |= {group.pk: group for group in member.groups.all()} if member.active else {}
    number.people = [[member.close_id, member.name, member.active] for member in people]
    number.team_names = sorted((group.name for group in of_number.values()), key=str.casefold)
    number.team_keys = "".join(f",{key}" for key in sorted(of_number)) + ("," if of_number else "")
    number.people_sort = ", ".join(member.name for member in people).casefold()[:SORTED_LENGTH]
    number.teams_sort = ", ".join(number.team_names).casefold()[:SORTED_LENGTH]
    number.search_text = search_text(number, outside)


def index(records: Mapping[int, PhoneNumberRecord]) -> None:
    """Draw the search text of these numbers (by key) anew, where their people and teams are as they were."""
    drawn_from = ("number", "label", "forward_to", "people", "team_names")
    for number in PhoneNumber.objects.filter(pk__in=records).only(*drawn_from):
        text = search_text(number, records[number.pk].phone_numbers)
        PhoneNumber.objects.filter(pk=number.pk).update(search_text=text)


def _related(through: Any, column: str, pks: Sequence[int]) -> dict[Any, set[int]]:
    """The keys that stand in a relation of each of these numbers."""
    found: dict[Any, set[int]] = defaultdict(set)
    for number, other in through.objects.filter(phonenumber__in=pks).values_list("phonenumber_id", column):
        found[number].add(other)
    return found


def _by_number(model: Any, keys: Mapping[Any, set[int]]) -> dict[Any, list[Any]]:
    """The rows of `model` behind these keys, by number; people with their groups."""
    rows = model.objects.prefetch_related("groups") if model is Member else model.objects
    by_key = rows.in_bulk(set().union(*keys.values()))
    return defaultdict(list, {number: [by_key[key] for key in of_number] for number, of_number in keys.items()})


def search_text(number: PhoneNumber, outside: Iterable[object]) -> str:
    """What a number is found by: digits without signs, label, people, teams, targets; case folded.

    The digits of a label stand there too, since "24/7" and "0161 496" are looked for without their signs.
    """
    digits = [re.sub(r"\D", "", str(text)) for text in (number.number, number.forward_to, *outside, number.label)]
    names = [str(entry[1]) for entry in number.people]
    return " ".join(part for part in (*digits, number.label, *names, *number.team_names) if part).casefold()
