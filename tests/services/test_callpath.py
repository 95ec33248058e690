"""What happens to a call, drawn from the settings: the sentence, the stations, and what is wrong."""

import pytest
from django.contrib.auth.models import AnonymousUser

from dashboard import access
from dashboard.models import Answer, Group, Member, PhoneNumber
from dashboard.services.callpath import call_path

EVERYBODY = access.Person(AnonymousUser(), role=access.VIEWER, all_numbers=True)
STRANGER = access.Person(AnonymousUser())


@pytest.fixture
def member(db):
    def make(name, *, active=True, groups=()):
        made = Member.objects.create(close_id=f"user_{name}", name=name, active=active)
        made.groups.set(groups)
        return made

    return make


@pytest.fixture
def group(db):
    return lambda name: Group.objects.create(close_id=f"group_{name}", name=name)


@pytest.fixture
def number(db):
    def make(digits="+4930231250", *, members=(), groups=(), phones=(), **columns):
        made = PhoneNumber.objects.create(
            close_id=f"phon_{digits}", number=digits, **{"type": "internal", "label": "", **columns}
        )
        made.members.set(members)
        made.groups.set(groups)
        Answer.objects.create(number=made, raw={"phone_numbers": list(phones)})
        return made

    return make


def path_of(number, person=EVERYBODY):
    return call_path(number, person)


def test_people_ring_then_the_target_then_the_voicemail(number, member):
    people = [member("Ana Ruiz"), member("Lena Fischer"), member("Tom Berger")]
    path = path_of(
        number(
            members=people,
            forward_to="+4917604069123",
            forward_to_enabled=True,
            press_1_to_accept=True,
            voicemail_greeting_url="https://a.test/greetings/november.mp3",
            inbound_ring_duration=20,
        )
    )
    assert path.sentence == (
        "Rings 3 people for 20 seconds, then goes to +4917604069123, who has to press 1. "
        "If nobody takes it, the caller hears the greeting and can leave a message."
    )
    assert [(step.title, step.number, step.about, step.at) for step in path.steps] == [
        ("Somebody calls", "", "", "0 s"),
        ("Rings 3 people", "", "Ana Ruiz, Lena Fischer, Tom Berger", "0–20 s"),
        ("Forwards to", "+4917604069123", "Press 1 to accept · outside Close", "from 20 s"),
        ("Voicemail", "", "Greeting november.mp3", "at the end"),
    ]
    assert path.problems == []


def test_people_and_groups_are_counted_apart_and_nobody_twice(number, member, group):
    emea, dach = group("EMEA"), group("DACH")
    both = member("Ana Ruiz", groups=[emea, dach])
    member("Tom Berger", groups=[emea])
    member("Gone Group", active=False, groups=[emea])
    alone = member("Lena Fischer")
    path = path_of(number(members=[both, alone], groups=[emea, dach]))
    assert path.sentence.startswith(
        "Rings 2 people and the groups DACH and EMEA, 3 people in all for 30 seconds. If nobody takes it"
    )
    assert path.steps[1].about == "Ana Ruiz, Lena Fischer · DACH: 1 person · EMEA: 2 people"


def test_no_duration_is_thirty_seconds_by_default(number, member):
    path = path_of(number(members=[member("Ana Ruiz")], inbound_ring_duration=None))
    assert "Rings 1 person for 30 seconds." in path.sentence
    assert path.steps[1].at == "0–30 s, Close’s default"
    assert path.steps[-1].about == "Close’s default greeting"


def test_phones_outside_close_ring_too(number, member):
    path = path_of(number(members=[member("Ana Ruiz")], phones=["+447700900123"]))
    assert "Rings 1 person and 1 phone outside Close for 30 seconds." in path.sentence


def test_who_left_does_not_ring_and_that_is_said(number, member):
    path = path_of(number(members=[member("Ana Ruiz"), member("Luis Prado", active=False)]))
    assert "Rings 1 person" in path.sentence
    assert path.problems == ["Luis Prado left and does not ring."]


def test_a_dead_end_is_said(number, member):
    path = path_of(number(members=[member("Luis Prado", active=False)]))
    assert path.sentence == (
        "Rings nobody: the caller hears Close’s default greeting at once and can leave a message."
    )
    assert path.problems == [
        "Luis Prado left and does not ring.",
        "A dead end: nobody rings and nothing is forwarded. Callers reach the voicemail only.",
    ]


def test_a_group_without_people_is_said(number, group):
    assert "Nobody is in the group Empty." in path_of(number(groups=[group("Empty")])).problems


def test_forwarding_without_a_target_forwards_nothing(number, member):
    path = path_of(number(members=[member("Ana Ruiz")], forward_to_enabled=True))
    assert "then goes to" not in path.sentence
    assert path.problems == ["Forwarding is on and has no target, so nothing is forwarded."]


def test_a_target_while_forwarding_is_off_changes_nothing(number, member):
    path = path_of(number(members=[member("Ana Ruiz")], forward_to="+14155550142"))
    assert "+14155550142" not in path.sentence
    assert [step.title for step in path.steps] == ["Somebody calls", "Rings 1 person", "Voicemail"]


def test_nobody_rings_and_it_is_forwarded_at_once(number):
    path = path_of(number(forward_to="+14155550142", forward_to_enabled=True))
    assert path.sentence.startswith("Rings nobody in Close and goes to +14155550142. ")
    assert path.steps[2].at == "at once"


def test_a_number_that_forwards_to_itself_is_a_loop(number):
    path = path_of(number("+14155550142", forward_to="+14155550142", forward_to_enabled=True))
    assert path.problems == [
        "A loop: the call comes back to this number. Close ends it somewhere, and nobody may ever answer."
    ]


def test_two_numbers_that_forward_to_each_other_are_a_loop(number, member):
    one = number("+14155550142", forward_to="+14155550143", forward_to_enabled=True, members=[member("Ana Ruiz")])
    number("+14155550143", label="Overflow", forward_to="+14155550142", forward_to_enabled=True)
    path = path_of(one)
    assert "A loop: the call comes back to this number." in path.problems[0]
    assert path.steps[2].about == "a number of yours, “Overflow”"


def test_the_label_of_a_number_is_not_told_to_who_may_not_see_it(number):
    one = number("+14155550142", forward_to="+14155550143", forward_to_enabled=True)
    number("+14155550143", label="Secret")
    path = path_of(one, STRANGER)
    assert path.steps[2].about == "a number of this organisation"
    assert path.problems == ["A dead end: at the number it ends at, nobody rings."]


def test_a_number_for_caller_id_only_takes_no_calls(number):
    path = path_of(number(type="external"))
    assert path.sentence == "Close shows this number to people you call. Calls to it do not come to Close."
    assert path.steps == []


def test_a_number_of_ones_own_provider_is_said(number, member):
    path = path_of(number(type="virtual", members=[member("Ana Ruiz")]))
    assert path.sentence.startswith("Your own provider brings the call to Close. Rings 1 person")
