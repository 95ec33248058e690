"""Lists: pages, their limits, the fields that are asked for, and the filters of phone numbers."""

import pytest

from dashboard.simulator.organisation import members_of

# https://developer.close.com/api/resources/phone-numbers/get, in the order of its fields.
KEYS = {
    "id",
    "organization_id",
    "number",
    "number_formatted",
    "label",
    "type",
    "country",
    "user_id",
    "is_group_number",
    "participants",
    "participant_groups",
    "phone_numbers",
    "phone_numbers_formatted",
    "forward_to",
    "forward_to_formatted",
    "forward_to_enabled",
    "press_1_to_accept",
    "inbound_ring_duration",
    "voicemail_greeting_url",
    "sms_enabled",
    "mms_enabled",
    "supports_sms_to_countries",
    "supports_mms_to_countries",
    "is_premium",
    "is_verified",
    "was_ported",
    "carrier",
    "carrier_type",
    "address_id",
    "bundle_id",
    "last_billed_price",
    "next_billing_on",
    "date_created",
    "date_updated",
}
NOT_ALWAYS = {"participants", "inbound_ring_duration"}


def test_a_walk_over_all_pages_shows_every_number_once(call, org):
    seen, skip = [], 0
    while True:
        page = call.get("phone_number/", _skip=skip).json()
        assert set(page) == {"data", "has_more"}
        seen += [number["id"] for number in page["data"]]
        skip += len(page["data"])
        if not page["has_more"]:
            break

    assert seen == list(org.numbers)
    assert len(set(seen)) == 240


def test_a_number_has_the_keys_that_are_documented_and_no_other(call, org):
    for skip in (0, 100, 200):
        for number in call.get("phone_number/", _skip=skip).json()["data"]:
            assert set(number) <= KEYS
            assert set(number) >= KEYS - NOT_ALWAYS
            assert call.get(f"phone_number/{number['id']}/").json() == number


@pytest.mark.parametrize("missing", sorted(NOT_ALWAYS))
def test_some_numbers_lack_a_key_as_close_s_samples_do(org, missing):
    assert any(missing not in number for number in org.numbers.values())


@pytest.mark.parametrize("limit", [1, 7, 100])
def test_limit_is_the_size_of_a_page(call, limit):
    assert len(call.get("phone_number/", _limit=limit).json()["data"]) == limit


def test_a_limit_of_zero_is_an_empty_page(call):
    assert call.get("phone_number/", _limit=0).json() == {"data": [], "has_more": True}


@pytest.mark.parametrize("path", ["phone_number/", "user/", "role/"])
@pytest.mark.parametrize(
    "query", [{"_limit": 101}, {"_limit": -1}, {"_limit": "ten"}, {"_skip": -1}, {"_skip": "1.5"}, {"_skip": "²"}]
)
def test_a_page_that_cannot_be_is_400(call, path, query):
    answer = call.get(path, **query)

    assert answer.status_code == 400
    assert set(answer.json()) == {"error"}


def test_beyond_the_end_is_an_empty_page(call):
    assert call.get("phone_number/", _skip=1000).json() == {"data": [], "has_more": False}


@pytest.mark.parametrize("path", ["phone_number/", "user/", "group/", "role/"])
def test_fields_limit_a_list(call, path):
    answer = call.get(path, _fields="id,nonsense").json()

    assert answer["data"]
    assert all(set(one) == {"id"} for one in answer["data"])


def test_fields_limit_one_number(call, shared):
    answer = call.get(f"phone_number/{shared['id']}/", _fields="id,label").json()

    assert answer == {"id": shared["id"], "label": shared["label"]}


def test_number_finds_the_one(call, shared):
    assert call.get("phone_number/", number=shared["number"]).json() == {"data": [shared], "has_more": False}
    assert call.get("phone_number/", number="+10000000000").json() == {"data": [], "has_more": False}


def test_participant_finds_both_styles_of_personal_numbers_and_shared_ones(call, org):
    person = org.me["id"]
    found = call.get("phone_number/", participant_user_id=person).json()["data"]

    assert {one["id"] for one in found} == {one["id"] for one in org.numbers.values() if person in members_of(one)}
    assert {bool(one.get("participants")) for one in found if one["user_id"] == person} == {True, False}


def test_user_finds_the_numbers_of_one_person_alone(call, org):
    person = org.me["id"]
    found = call.get("phone_number/", user_id=person).json()["data"]

    assert {one["id"] for one in found} == {one["id"] for one in org.numbers.values() if one["user_id"] == person}


def test_is_group_number_halves_the_list_and_its_pages(call, org):
    counts = []
    for value in ("true", "False"):
        seen, more = 0, True
        while more:
            page = call.get("phone_number/", is_group_number=value, _skip=seen, _limit=50).json()
            assert all(one["is_group_number"] == (value == "true") for one in page["data"])
            seen, more = seen + len(page["data"]), page["has_more"]
        counts.append(seen)

    assert sum(counts) == 240
    assert call.get("phone_number/", is_group_number="maybe").status_code == 400


def test_filters_are_all_true_of_what_is_found(call, org, mine):
    both = {"user_id": org.me["id"], "number": mine["number"]}

    assert [one["id"] for one in call.get("phone_number/", **both).json()["data"]] == [mine["id"]]
    assert call.get("phone_number/", **both, is_group_number="true").json()["data"] == []


def test_a_parameter_that_nobody_knows_is_ignored(call):
    assert len(call.get("phone_number/", label="x", _order_by="label").json()["data"]) == 100


def test_a_hidden_number_is_neither_listed_nor_found_until_it_is_shown(call, sim, shared):
    sim.hide(shared["id"])

    assert call.get("phone_number/", number=shared["number"]).json()["data"] == []
    assert call.get(f"phone_number/{shared['id']}/").status_code == 404
    assert call.put(shared["id"], label="x").status_code == 404

    sim.show(shared["id"])
    assert call.get(f"phone_number/{shared['id']}/").json() == shared


def test_an_unknown_number_is_404_in_close_s_words(call):
    answer = call.get("phone_number/phon_nothing/")

    assert answer.status_code == 404
    assert answer.json() == {"error": "Empty query: PhoneNumber matching query does not exist."}


@pytest.mark.parametrize("path", ["phone_number", "me", "user", "group"])
def test_a_path_without_its_slash_is_404(call, path):
    answer = call.get(path)

    assert answer.status_code == 404
    assert set(answer.json()) == {"error"}


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "activity/call/"),
        ("GET", "event/"),
        ("GET", "user/availability/"),
        ("POST", "phone_number/request/internal/"),
        ("DELETE", "phone_number/phon_x/"),
        ("PATCH", "phone_number/phon_x/"),
    ],
)
def test_what_the_simulator_does_not_know_is_501(call, sim, method, path):
    answer = call.request(method, f"{sim.url}/{path}")

    assert answer.status_code == 501
    assert set(answer.json()) == {"error"}
