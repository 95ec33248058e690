"""What a caller without the permission to manage phone numbers may change: their own, and not all of it."""

import pytest


@pytest.fixture(autouse=True)
def _plain_member(sim):
    sim.permissions(manage=False)


def test_me_says_so(call):
    assert "manage_group_numbers" not in call.get("me/").json()["memberships"][0]["permissions_granted"]


@pytest.mark.parametrize(
    "fields",
    [
        {"label": "Mine"},
        {"voicemail_greeting_url": None},
        {"forward_to": "+16285550190", "forward_to_enabled": True},
    ],
)
def test_label_greeting_and_forwarding_of_ones_own_number(call, mine, fields):
    assert call.put(mine["id"], **fields).status_code == 200


def test_both_styles_of_personal_numbers_are_ones_own(call, org):
    own = [number for number in org.numbers.values() if number["user_id"] == org.me["id"]]

    assert {bool(number.get("participants")) for number in own} == {True, False}
    assert {call.put(number["id"], label="Mine").status_code for number in own} == {200}


@pytest.mark.parametrize("fields", [{"inbound_ring_duration": 20}, {"participants": []}, {"press_1_to_accept": True}])
def test_nothing_else_of_ones_own_number(call, mine, fields):
    assert call.put(mine["id"], **fields).status_code == 403


def test_nothing_of_a_shared_number(call, sim, org, shared):
    answer = call.put(shared["id"], label="Ours")

    assert answer.status_code == 403
    assert set(answer.json()) == {"error"}
    assert org.numbers[shared["id"]] == shared


def test_nothing_of_a_number_that_also_rings_a_group(call, sim, org, mine):
    sim.change_as_somebody_else(mine["id"], participants=[org.me["id"]], participant_groups=list(org.groups)[:1])

    assert call.put(mine["id"], label="Mine").status_code == 403


def test_which_status_a_refusal_has_is_not_known_so_it_can_be_chosen(call, sim, shared):
    sim.permissions(manage=False, refusal_status=401)
    assert call.put(shared["id"], label="x").status_code == 401

    sim.permissions(manage=False, refusal_status=400)
    answer = call.put(shared["id"], label="x")
    assert answer.status_code == 400
    assert answer.json()["field-errors"] == {}
    assert len(answer.json()["errors"]) == 1


def test_the_permission_can_be_given_back(call, sim, shared):
    sim.permissions(manage=True)

    assert call.put(shared["id"], label="Ours").status_code == 200
