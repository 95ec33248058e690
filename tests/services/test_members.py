"""People and groups in the cache, and the rows that show them."""

from dashboard.models import Group, Member, PhoneNumber
from dashboard.services import sync


def numbers_of(member):
    return PhoneNumber.objects.filter(members__close_id=member["user_id"])


def busy_member(sim):
    """A membership of somebody who has numbers and is not the acting person."""
    return next(
        one
        for one in sim.organisation.memberships
        if one["user_id"] != sim.organisation.me["id"] and numbers_of(one).exists()
    )


def rename(sim, member, first, last):
    user = sim.organisation.users[member["user_id"]]
    user["first_name"], user["last_name"] = first, last
    member["user_first_name"], member["user_last_name"], member["user_full_name"] = first, last, f"{first} {last}"


def test_somebody_takes_another_name(synced):
    member = busy_member(synced)
    rename(synced, member, "Zoë", "Quirke")
    sync.sync()

    for number in numbers_of(member):
        assert [member["user_id"], "Zoë Quirke", True] in number.people
        assert "zoë quirke" in number.people_sort
    assert set(PhoneNumber.objects.search("zoë quirke")) == set(numbers_of(member))


def test_somebody_leaves(synced):
    member = busy_member(synced)
    organisation = synced.organisation
    group = next(iter(organisation.groups.values()))
    group["members"] = [{"user_id": member["user_id"]}]
    sync.sync()
    number = numbers_of(member)[0]
    assert group["name"] in number.team_names

    organisation.memberships.remove(member)
    organisation.inactive_memberships.append(member)
    for each in organisation.groups.values():
        each["members"] = [one for one in each["members"] if one["user_id"] != member["user_id"]]
    sync.sync()

    number = PhoneNumber.objects.get(pk=number.pk)
    row = next(row for row in number.people if row[0] == member["user_id"])
    assert row[2] is False
    assert Member.objects.get(close_id=member["user_id"]).active is False
    stays = number.groups.filter(name=group["name"]).exists() or any(
        other.groups.filter(name=group["name"]).exists() for other in number.members.filter(active=True)
    )
    assert (group["name"] in number.team_names) == stays


def test_somebody_who_is_in_no_list_any_more_keeps_the_name(synced):
    member = busy_member(synced)
    name = Member.objects.get(close_id=member["user_id"]).name
    synced.organisation.memberships.remove(member)
    sync.sync()

    left = Member.objects.get(close_id=member["user_id"])
    assert (left.name, left.active) == (name, False)
    assert [member["user_id"], name, False] in numbers_of(member)[0].people


def test_a_group_takes_another_name(synced):
    group = next(group for group in synced.organisation.groups.values() if shows(group["id"]).exists())
    before = set(shows(group["id"]))
    old, group["name"] = group["name"], "Überseekontor"
    sync.sync()

    assert set(PhoneNumber.objects.search("überseekontor")) == before
    for number in shows(group["id"]):
        assert "Überseekontor" in number.team_names
        assert old not in number.team_names
        assert "überseekontor" in number.teams_sort


def shows(group_id):
    group = Group.objects.get(close_id=group_id)
    return PhoneNumber.objects.of_teams([group.pk])


def test_somebody_joins_a_group(synced):
    member = busy_member(synced)
    group = {"id": "group_new", "name": "Night shift", "organization_id": synced.organisation.id, "members": []}
    group["members"].append({"user_id": member["user_id"]})
    synced.organisation.groups["group_new"] = group
    sync.sync()

    assert set(shows("group_new")) == set(numbers_of(member))
    assert all("Night shift" in number.team_names for number in numbers_of(member))


def test_a_group_that_is_gone(synced):
    group_id, group = next(iter(synced.organisation.groups.items()))
    del synced.organisation.groups[group_id]
    sync.sync()
    assert Group.objects.get(close_id=group_id).gone is True

    synced.organisation.groups[group_id] = group
    sync.sync()
    assert Group.objects.get(close_id=group_id).gone is False


def test_an_unknown_person_is_told_of_later(synced, number):
    synced.change_as_somebody_else(number.close_id, participants=["user_later"])
    sync.refresh_number(number=number)
    assert number.people == [["user_later", "Unknown person", False]]

    organisation = synced.organisation
    template = organisation.memberships[1]
    member = {**template, "user_id": "user_later", "user_email": "later@example.com"}
    organisation.users["user_later"] = {**organisation.users[template["user_id"]], "id": "user_later"}
    organisation.memberships.append(member)
    rename(synced, member, "Late", "Comer")
    sync.sync()

    number.refresh_from_db()
    assert number.people == [["user_later", "Late Comer", True]]
