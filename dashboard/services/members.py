"""The people and groups of the organisation in the cache, and what the table shows of them for each number.

A number's members and groups are relations; its teams (its groups and the groups of its active members), the names
in the row, what it is sorted by and the text it is found by are drawn from them here, whenever one of them changes.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import transaction

from dashboard.close import GroupRecord, OrganizationRecord, PhoneNumberRecord
from dashboard.models import Answer, Group, Member, PhoneNumber
from dashboard.models.numbers import SORTED_LENGTH, folded
from dashboard.models.people import UNKNOWN_GROUP, UNKNOWN_PERSON
from dashboard.services import bulk

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
    people = People()
    for start in range(0, len(pks), CHUNK):
        with transaction.atomic():
            describe(pks[start : start + CHUNK], people)


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
    """Store the people; the keys of those who show differently now. Nobody new is on a number yet."""
    known = {member.close_id: member for member in Member.objects.prefetch_related("groups")}
    said = {m.user_id: (m.name or UNKNOWN_PERSON, m.email, False) for m in organization.inactive_memberships}
    said |= {m.user_id: (m.name or UNKNOWN_PERSON, m.email, True) for m in organization.memberships}
    for close_id, left in known.items():
        said.setdefault(close_id, (left.name, left.email, False))
    touched: set[int] = set()
    new: list[Member] = []
    in_groups: list[tuple[str, int]] = []
    for close_id, (name, email, active) in said.items():
        groups = groups_of.get(close_id, set())
        if (member := known.get(close_id)) is None:
            new.append(Member(close_id=close_id, name=name, email=email, active=active))
            in_groups += [(close_id, group) for group in groups]
            continue
        before = {group.pk for group in member.groups.all()}
        if (member.name, member.email, member.active, before) == (name, email, active, groups):
            continue
        member.name, member.email, member.active = name, email, active
        member.save()
        member.groups.set(groups)
        touched.add(member.pk)
    keys = {member.close_id: member.pk for member in Member.objects.bulk_create(new)}
    pairs = [(keys[close_id], group) for close_id, group in in_groups]
    bulk.insert(Member.groups.through, ("member_id", "group_id"), pairs)
    return touched


@dataclass(frozen=True)
class _Person:
    """Somebody as the rows of numbers show them; `groups` are keys."""

    close_id: str
    name: str
    active: bool
    groups: set[int]


class People:
    """All people and groups of the cache, read once for the many numbers that are drawn from them.

    Only a walk changes them, before it comes to its numbers, and only one walks at a time.
    """

    def __init__(self) -> None:
        groups_of = defaultdict[int, set[int]](set)
        for member, group in Member.groups.through.objects.values_list("member_id", "group_id"):
            groups_of[member].add(group)
        rows = list(Member.objects.values_list("pk", "close_id", "name", "active"))
        self.people = {pk: _Person(close_id, name, active, groups_of[pk]) for pk, close_id, name, active in rows}
        self._member_keys = {close_id: pk for pk, close_id, _, _ in rows}
        groups = list(Group.objects.values_list("pk", "close_id", "name"))
        self.groups = {pk: name for pk, _, name in groups}
        self._group_keys = {close_id: pk for pk, close_id, _ in groups}

    def members_of(self, record: PhoneNumberRecord) -> set[int] | None:
        """The keys of the people whom Close said of this number; None where it said nothing.

        An id that Close has not told us of gets a place of its own, so that nobody on a number is passed over.
        """
        return None if record.member_ids is None else {self._member(close_id) for close_id in record.member_ids}

    def groups_of(self, record: PhoneNumberRecord) -> set[int] | None:
        """The same for groups."""
        said = record.says("participant_groups")
        return {self._group(close_id) for close_id in record.participant_groups} if said else None

    def _member(self, close_id: str) -> int:
        if close_id not in self._member_keys:
            unknown = {"name": UNKNOWN_PERSON, "active": False}
            member = Member.objects.get_or_create(close_id=close_id, defaults=unknown)[0]
            self._member_keys[close_id] = member.pk
            self.people[member.pk] = _Person(close_id, member.name, member.active, set())
        return self._member_keys[close_id]

    def _group(self, close_id: str) -> int:
        if close_id not in self._group_keys:
            unknown = {"name": UNKNOWN_GROUP, "gone": True}
            group = Group.objects.get_or_create(close_id=close_id, defaults=unknown)[0]
            self._group_keys[close_id] = group.pk
            self.groups[group.pk] = group.name
        return self._group_keys[close_id]


def relate(records: Mapping[int, PhoneNumberRecord], people: People, *, new: bool = False) -> None:
    """Set members and groups of these numbers (by key) to what Close said. `new`: they have none so far."""
    for through, column, said in (
        (PhoneNumber.members.through, "member_id", {pk: people.members_of(r) for pk, r in records.items()}),
        (PhoneNumber.groups.through, "group_id", {pk: people.groups_of(r) for pk, r in records.items()}),
    ):
        wanted = {pk: keys for pk, keys in said.items() if keys is not None}
        have = set() if new else _thin_out(through, column, wanted)
        want = {(number, other) for number, others in wanted.items() for other in others}
        bulk.insert(through, ("phonenumber_id", column), sorted(want - have))


def _thin_out(through: Any, column: str, wanted: Mapping[int, set[int]]) -> set[tuple[int, int]]:
    """Take out of a relation what is not wanted of these numbers any more; the pairs that stay."""
    rows = through.objects.filter(phonenumber__in=wanted).values_list("pk", "phonenumber_id", column)
    have = {(number, other): pk for pk, number, other in rows}
    through.objects.filter(
        pk__in=[pk for (number, other), pk in have.items() if other not in wanted[number]]
    ).delete()
    return {(number, other) for number, other in have if other in wanted[number]}


def describe(pks: Sequence[int], people: People) -> None:
    """Draw people, teams, sort keys and search text of these numbers from their relations."""
    members = _related(PhoneNumber.members.through, "member_id", pks)
    groups = _related(PhoneNumber.groups.through, "group_id", pks)
    outside = dict(Answer.objects.filter(number__in=pks).values_list("number_id", "raw__phone_numbers"))
    changed = []
    for number in PhoneNumber.objects.filter(pk__in=pks):
        found_by = (number.number, number.forward_to, *(outside.get(number.pk) or []), number.label)
        shown = _shown(members[number.pk], groups[number.pk], people, found_by)
        if any(getattr(number, name) != value for name, value in shown.items()):
            for name, value in shown.items():
                setattr(number, name, value)
            changed.append(number)
    PhoneNumber.objects.bulk_update(changed, SHOWN, batch_size=100)


def shown_of(record: PhoneNumberRecord, people: People) -> dict[str, Any]:
    """The same for a number that is about to be inserted, from what Close said: columns and their values."""
    found_by = (record.number, record.forward_to or "", *record.phone_numbers, record.label or "")
    return _shown(people.members_of(record) or set(), people.groups_of(record) or set(), people, found_by)


def _shown(members: set[int], groups: set[int], people: People, found_by: Sequence[object]) -> dict[str, Any]:
    """What the table shows of a number's people and teams, and the text it is found by: the columns SHOWN."""
    those = sorted(
        (people.people[key] for key in members), key=lambda person: (not person.active, person.name.casefold())
    )
    teams = groups.union(*(person.groups for person in those if person.active))
    names = [person.name for person in those]
    team_names = sorted((people.groups[key] for key in teams), key=str.casefold)
    return {
        "people": [[person.close_id, person.name, person.active] for person in those],
        "team_names": team_names,
        "team_keys": "".join(f",{key}" for key in sorted(teams)) + ("," if teams else ""),
        "people_sort": ", ".join(names).casefold()[:SORTED_LENGTH],
        "teams_sort": ", ".join(team_names).casefold()[:SORTED_LENGTH],
        "search_text": search_text(found_by, names, team_names),
    }


def found_by(number: PhoneNumber, record: PhoneNumberRecord, columns: Mapping[str, Any]) -> str:
    """The search text of a number whose people and teams stay as they are; `columns` are about to be stored."""
    now = {name: columns.get(name, getattr(number, name)) for name in ("number", "forward_to", "label")}
    texts = (now["number"], now["forward_to"], *record.phone_numbers, now["label"])
    return search_text(texts, [entry[1] for entry in number.people], number.team_names)


def _related(through: Any, column: str, pks: Sequence[int]) -> dict[Any, set[int]]:
    """The keys that stand in a relation of each of these numbers."""
    found: dict[Any, set[int]] = defaultdict(set)
    for number, other in through.objects.filter(phonenumber__in=pks).values_list("phonenumber_id", column):
        found[number].add(other)
    return found


def search_text(found_by: Sequence[object], names: Iterable[str], team_names: Iterable[str]) -> str:
    """What a number is found by: digits without signs, label, people, teams, targets; without accents and case.

    `found_by`: the number, its target, other numbers, and last the label, whose digits stand there too, since "24/7"
    and "0161 496" are looked for without their signs.
    """
    digits = [re.sub(r"\D", "", str(text)) for text in found_by]
    return folded(" ".join(part for part in (*digits, str(found_by[-1]), *names, *team_names) if part))
