"""What is read out of Close's answers, and what odd ones do to it."""

from contextlib import suppress
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dashboard.close import (
    GroupRecord,
    MemberRecord,
    MeRecord,
    OrganizationRecord,
    PhoneNumberRecord,
    RoleRecord,
    ServerError,
)


def test_a_phone_number_is_read(number):
    record = PhoneNumberRecord.parse(number)
    assert (record.id, record.number, record.label) == ("phon_2isAjIhK", "+442079460321", "UK sales line")
    assert (record.type, record.country, record.carrier_type) == ("internal", "GB", "national")
    assert (record.organization_id, record.user_id) == ("orga_u8iS2G8N", None)
    assert (record.participants, record.participant_groups) == (("user_ada", "user_ben"), ("group_emea",))
    assert record.phone_numbers == ("+447700900123",)
    assert (record.forward_to, record.forward_to_enabled, record.press_1_to_accept) == (None, False, False)
    assert record.inbound_ring_duration == 45
    assert record.voicemail_greeting_url == "https://media.example.com/uk.mp3"
    assert record.date_created == datetime(2025, 6, 11, 9, 30, 0, 5000, tzinfo=UTC)


def test_the_whole_answer_is_kept_with_fields_that_nobody_knows(number):
    number["something_new"] = {"a": [1]}
    assert PhoneNumberRecord.parse(number).raw == number


def test_id_and_number_are_enough():
    record = PhoneNumberRecord.parse({"id": "phon_a", "number": "+14155550142"})
    assert (record.label, record.type, record.participants, record.inbound_ring_duration) == (None, "", (), None)
    assert record.member_ids is None
    assert not record.says("user_id")


@pytest.mark.parametrize("key", ["id", "number"])
@pytest.mark.parametrize("value", [None, "", 7, [], "absent"])
def test_a_number_without_an_id_or_a_number_names_what_is_missing(number, key, value):
    number[key] = value
    if value == "absent":
        del number[key]
    with pytest.raises(ServerError, match=f"a phone number in Close's answer has no '{key}'"):
        PhoneNumberRecord.parse(number)


@pytest.mark.parametrize(
    ("said", "members"),
    [
        ({"participants": ["user_a", "user_b"], "user_id": None}, ("user_a", "user_b")),
        ({"participants": [], "user_id": "user_a"}, ("user_a",)),
        ({"participants": ["user_a"], "user_id": "user_a"}, ("user_a",)),
        ({"participants": ["user_b", "user_b"], "user_id": "user_a"}, ("user_b", "user_a")),
        ({"user_id": "user_a"}, ("user_a",)),
        ({"participants": ["user_a"]}, ("user_a",)),
        ({"participants": None}, ()),
        ({"participants": "user_a", "user_id": 7}, ()),
        ({"participants": [None, 7, "", "user_a", ["user_b"]]}, ("user_a",)),
        ({"user_id": None}, ()),
        ({}, None),
    ],
    ids=str,
)
def test_members_are_the_participants_and_the_owner_each_once(said, members):
    assert PhoneNumberRecord.parse({"id": "phon_a", "number": "+1", **said}).member_ids == members


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2024-03-05T14:22:10.482000+00:00", datetime(2024, 3, 5, 14, 22, 10, 482000, tzinfo=UTC)),
        ("2021-03-17T11:45:56.651057", datetime(2021, 3, 17, 11, 45, 56, 651057, tzinfo=UTC)),
        ("2021-03-17T11:45:56Z", datetime(2021, 3, 17, 11, 45, 56, tzinfo=UTC)),
        ("2021-03-17T11:45:56+02:00", datetime(2021, 3, 17, 9, 45, 56, tzinfo=UTC)),
        ("0001-01-01T00:00:00+10:00", None),
        ("yesterday", None),
        ("", None),
        (None, None),
        (1_700_000_000, None),
    ],
)
def test_dates_are_read_as_utc_where_they_lack_an_offset(number, text, moment):
    number["date_updated"] = text
    assert PhoneNumberRecord.parse(number).date_updated == moment


@pytest.mark.parametrize(
    ("field", "value", "read"),
    [
        ("label", None, None),
        ("label", "", ""),
        ("label", 7, None),
        ("type", "satellite", "satellite"),
        ("type", None, ""),
        ("carrier_type", "quantum", "quantum"),
        ("forward_to_enabled", "false", False),
        ("forward_to_enabled", None, False),
        ("press_1_to_accept", True, True),
        ("inbound_ring_duration", None, None),
        ("inbound_ring_duration", "30", None),
        ("inbound_ring_duration", True, None),
        ("inbound_ring_duration", 30.0, 30),
        ("inbound_ring_duration", 10**30, None),
        ("inbound_ring_duration", -1, None),
        ("participant_groups", None, ()),
        ("phone_numbers", {"a": 1}, ()),
    ],
)
def test_odd_values_are_kept_or_read_as_absent(number, field, value, read):
    number[field] = value
    record = PhoneNumberRecord.parse(number)
    assert getattr(record, field) == read
    assert record.says(field)


def test_a_person_has_a_name_or_else_an_address():
    ada = {"id": "user_a", "email": "ada@example.com", "first_name": "Ada", "last_name": "Lovelace"}
    assert MemberRecord.parse(ada).name == "Ada Lovelace"
    assert MemberRecord.parse({**ada, "last_name": None}).name == "Ada"
    assert MemberRecord.parse({"id": "user_a", "email": "ada@example.com"}).name == "ada@example.com"


@pytest.mark.parametrize(
    ("said", "members"),
    [
        ({}, ()),
        ({"members": None}, ()),
        ({"members": [{"user_id": "user_a"}, {"user_id": None}, None, {"user_id": "user_a"}]}, ("user_a",)),
    ],
)
def test_members_of_a_group_are_read(said, members):
    record = GroupRecord.parse({"id": "group_a", "name": "EMEA", **said})
    assert (record.member_ids, record.says("members")) == (members, "members" in said)


FLAT = {
    "id": "memb_a",
    "user_id": "user_a",
    "user_email": "ada@example.com",
    "user_first_name": "Ada",
    "user_last_name": "Lovelace",
    "role_id": "admin",
    "permissions_granted": ["calling", "manage_group_numbers"],
}
NESTED = {
    "id": "memb_a",
    "user": {"id": "user_a", "email": "ada@example.com", "first_name": "Ada", "last_name": "Lovelace"},
    "role_id": "admin",
    "permissions_granted": ["calling", "manage_group_numbers"],
}


@pytest.mark.parametrize("membership", [FLAT, NESTED], ids=["flat", "nested"])
def test_people_of_an_organisation_are_read_whether_nested_or_not(membership):
    record = OrganizationRecord.parse(
        {"id": "orga_a", "name": "Acme", "memberships": [membership], "inactive_memberships": [membership]}
    )
    for person in (*record.memberships, *record.inactive_memberships):
        assert (person.user_id, person.name, person.email) == ("user_a", "Ada Lovelace", "ada@example.com")
        assert (person.role_id, person.permissions) == ("admin", {"calling", "manage_group_numbers"})
    assert (record.name, len(record.memberships), len(record.inactive_memberships)) == ("Acme", 1, 1)


def test_a_full_name_alone_is_enough_and_an_invitation_without_a_person_is_left_out():
    record = OrganizationRecord.parse(
        {"id": "orga_a", "memberships": [{"user_id": "user_a", "user_full_name": "Ada L."}, {"id": "memb_b"}, None]}
    )
    assert [person.name for person in record.memberships] == ["Ada L."]
    assert record.inactive_memberships == ()


def test_who_we_are_has_permissions_by_organisation():
    record = MeRecord.parse(
        {
            "id": "user_a",
            "first_name": "Ada",
            "memberships": [
                {"organization_id": "orga_a", "permissions_granted": ["calling"]},
                {"organization_id": "orga_b", "permissions_granted": ["export"]},
            ],
            "organizations": [{"id": "orga_b", "name": "B"}, "orga_c", None],
        }
    )
    assert record.organization_ids == ("orga_a", "orga_b", "orga_c")
    assert record.permissions("orga_a") == {"calling"}
    assert record.permissions("orga_c") == frozenset()
    assert record.name == "Ada"


def test_a_membership_without_its_organisation_is_of_the_only_one():
    record = MeRecord.parse(
        {"id": "user_a", "memberships": [{"permissions_granted": ["calling"]}], "organizations": [{"id": "orga_a"}]}
    )
    assert record.permissions("orga_a") == {"calling"}
    assert record.permissions("orga_b") == frozenset()


KINDS = [PhoneNumberRecord, MemberRecord, GroupRecord, RoleRecord, OrganizationRecord, MeRecord]
KEYS = [
    "id",
    "number",
    "label",
    "type",
    "participants",
    "user_id",
    "participant_groups",
    "phone_numbers",
    "forward_to",
    "forward_to_enabled",
    "country",
    "inbound_ring_duration",
    "date_created",
    "date_updated",
    "first_name",
    "members",
    "memberships",
    "inactive_memberships",
    "organizations",
    "permissions",
    "permissions_granted",
    "user",
]
anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.just("2024-03-05T14:22:10"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=4),
    max_leaves=12,
)


usable = {"id": st.just("a"), "number": st.just("+1"), **dict.fromkeys(KEYS[2:], anything)}


@pytest.mark.parametrize("kind", KINDS)
@settings(deadline=None, max_examples=40)
@given(data=anything)
def test_no_json_breaks_a_record_with_anything_but_a_named_error(kind, data):
    with suppress(ServerError):
        kind.parse(data)


@pytest.mark.parametrize("kind", KINDS)
@settings(deadline=None, max_examples=40)
@given(data=st.fixed_dictionaries(usable))
def test_a_record_with_an_id_is_read_whatever_else_it_says(kind, data):
    record = kind.parse(data)
    assert record.raw is data
    assert repr(record)
    hash(record)
    if kind is MeRecord:
        assert record.permissions("orga_a") is not None
