"""The made-up organisation: believable, varied, and as untidy as real ones."""

import random
from collections import Counter
from datetime import UTC, datetime, timedelta

import phonenumbers
import pytest

from dashboard.simulator import Organisation
from dashboard.simulator.blocks import COUNTRIES, formatted, formatted_in
from dashboard.simulator.organisation import members_of


def test_the_same_seed_makes_the_same_organisation_and_another_one_another():
    def facts(seed):
        organisation = Organisation.make(numbers=30, members=10, groups=3, seed=seed)
        return [(number["id"], number["number"], number["label"]) for number in organisation.numbers.values()]

    assert facts(3) == facts(3)
    assert facts(3) != facts(4)


@pytest.mark.parametrize("country", COUNTRIES, ids=lambda country: country.code)
def test_every_block_holds_valid_numbers_of_its_country_all_written_alike(country):
    chance = random.Random(7)
    for block in (*country.fiction, *country.wide, country.mobile, country.tollfree):
        for number in {block.draw(chance) for _ in range(50)}:
            parsed = phonenumbers.parse(number)
            assert phonenumbers.is_valid_number_for_region(parsed, country.code), number
            assert formatted_in(block, number) == formatted(number)


def test_every_number_is_unique_and_rightly_written():
    made = list(Organisation.make(numbers=2500).numbers.values())

    assert len({number["number"] for number in made}) == 2500
    assert len({number["id"] for number in made}) == 2500
    assert {number["country"] for number in made} == {country.code for country in COUNTRIES}
    for number in made:
        assert number["number_formatted"] == formatted(number["number"])
        if number["forward_to"]:
            assert number["forward_to_formatted"] == formatted(number["forward_to"])


def test_people_have_a_name_an_address_of_their_own_and_a_valid_phone(org):
    people = org.memberships + org.inactive_memberships

    assert len(people) == len(org.users) == 60
    assert len({person["user_email"] for person in people}) == 60
    for person in people:
        assert person["user_email"].isascii()
        assert person["user_email"].endswith("@example.com")
        assert phonenumbers.is_valid_number(phonenumbers.parse("+" + person["user_phone"]))
    assert org.me["id"] == org.memberships[0]["user_id"]


def test_ids_are_as_long_as_close_s(org):
    for prefix, length, some in (("phon", 43, org.numbers), ("user", 43, org.users), ("group", 22, org.groups)):
        for one in some:
            assert one.startswith(f"{prefix}_")
            assert len(one) == len(prefix) + 1 + length


def test_everybody_whom_numbers_and_groups_name_is_known(org):
    active = {person["user_id"] for person in org.memberships}
    for number in org.numbers.values():
        assert members_of(number) <= set(org.users)
        assert set(number["participant_groups"]) <= set(org.groups)
    for group in org.groups.values():
        assert {member["user_id"] for member in group["members"]} <= active
        assert group["members"]


def test_dates_lie_before_now_and_bills_after(org):
    now = datetime.now(UTC)
    for number in org.numbers.values():
        assert datetime.fromisoformat(number["date_created"]) <= datetime.fromisoformat(number["date_updated"]) <= now
        if number["next_billing_on"]:
            due = datetime.fromisoformat(number["next_billing_on"])
            assert now - timedelta(days=1) < due < now + timedelta(days=32)


def test_all_kinds_are_there(org):
    numbers = list(org.numbers.values())

    assert {number["type"] for number in numbers} == {"internal", "external", "virtual"}
    assert {number["carrier_type"] for number in numbers} >= {"local", "tollfree"}
    assert {number["carrier"] for number in numbers} == {"twilio", "plivo", None}
    assert {number["forward_to_enabled"] for number in numbers} == {True, False}
    assert any(number["next_billing_on"] is None for number in numbers)
    assert any(number["phone_numbers"] for number in numbers)
    assert any(not members_of(number) and not number["participant_groups"] for number in numbers)
    assert any(not members_of(number) and number["participant_groups"] for number in numbers)
    assert len({number.get("inbound_ring_duration") for number in numbers}) > 3


def test_the_mess_is_there(org):
    numbers = {number["number"]: number for number in org.numbers.values()}
    left = {person["user_id"]: person for person in org.inactive_memberships}
    targets = Counter(number["forward_to"] for number in numbers.values())
    labels = [number["label"] for number in numbers.values()]

    assert None in labels
    assert "" in labels
    assert any(label and label.startswith("=HYPERLINK") for label in labels)
    assert any(label and "<img" in label for label in labels)
    assert any(label and len(label) > 150 for label in labels)
    assert any(members_of(number) and members_of(number) <= set(left) for number in numbers.values())
    assert any(number["forward_to"] and not number["forward_to_enabled"] for number in numbers.values())
    assert any("+" + person["user_phone"] in targets for person in left.values())
    assert any(number["forward_to"] == number["number"] for number in numbers.values())
    assert any(
        number["forward_to"] in numbers
        and number["forward_to"] != number["number"]
        and numbers[number["forward_to"]]["forward_to"] == number["number"]
        for number in numbers.values()
    )


def test_forwarding_is_never_on_without_a_target(org):
    assert all(number["forward_to"] for number in org.numbers.values() if number["forward_to_enabled"])


@pytest.mark.parametrize(("numbers", "members", "groups"), [(0, 1, 0), (1, 1, 0), (3, 2, 1), (30, 3, 40)])
def test_small_and_odd_sizes(numbers, members, groups):
    organisation = Organisation.make(numbers=numbers, members=members, groups=groups)

    assert (len(organisation.numbers), len(organisation.users)) == (numbers, members)
    assert len({group["name"] for group in organisation.groups.values()}) == groups


def test_sizes_that_cannot_be():
    with pytest.raises(ValueError, match="at least one member"):
        Organisation.make(members=0)
