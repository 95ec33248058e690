"""What somebody posts who means no good: each of these once went further than it should."""

from datetime import timedelta
from uuid import uuid4

import pytest
import time_machine
from django.contrib.auth import get_user_model
from django.utils import timezone

from dashboard import access
from dashboard.models import Change, Group, Member, Outcome, PhoneNumber, Plan, Role, Source

from ..conftest import make_user, signed_in
from ..reading import text_of
from ..services.planned import draft, some
from .editing import save

INCOMPLETE = "This form is incomplete, so nothing was saved."


@pytest.fixture
def number(synced, lead):
    """A number that the lead may change."""
    return access.changeable_numbers(access.person(lead)).order_by("number")[0]


def test_a_number_that_moved_to_another_team_meanwhile_is_not_changed(synced, lead, lead_client, number):
    ours = Group.objects.filter(pk__in=access.person(lead).team_ids)
    theirs = Group.objects.exclude(pk__in=ours)[0]
    member = Member.objects.exclude(groups__in=ours).filter(active=True)[0]
    moved = {"participants": [member.close_id], "participant_groups": [theirs.close_id]}
    synced.organisation.change(number.close_id, moved)

    answer = save(lead_client, number, "label", label="Mine for good")

    assert answer.status_code == 403
    change = Change.objects.get(plan__author=lead)
    assert (change.state, change.error) == (Outcome.FAILED, access.BEYOND_TEAMS)
    assert [entry.method for entry in synced.journal if entry.method != "GET"] == []


@pytest.mark.parametrize("editor", ["label", "voicemail", "forwarding"])
def test_what_an_editor_started_from_has_an_end(synced, lead_client, number, editor):
    name = {"label": "label", "voicemail": "voicemail_greeting_url", "forwarding": "forward_to"}[editor]
    answer = save(lead_client, number, editor, was={f"was_{name}": "a b " * 50_000}, **{name: "c"})
    assert answer.status_code == 422
    assert INCOMPLETE in text_of(answer)
    assert not Change.objects.exists()


@pytest.mark.parametrize("editor", ["label", "voicemail", "forwarding"])
def test_nothing_that_an_editor_started_from_holds_nul(synced, lead_client, number, editor):
    name = {"label": "label", "voicemail": "voicemail_greeting_url", "forwarding": "forward_to"}[editor]
    answer = save(lead_client, number, editor, was={f"was_{name}": "a\0b"}, **{name: "c"})
    assert answer.status_code == 422
    assert INCOMPLETE in text_of(answer)
    assert not Change.objects.exists()


@pytest.mark.parametrize("page", ["/plans/new/", "/absences/new/"])
@pytest.mark.parametrize("field", ["numbers", "number"])
def test_a_selection_with_nul_in_it_is_none(synced, lead_client, page, field):
    answer = lead_client.post(page, {field: "a\0b", "intent": str(uuid4())})
    assert answer.status_code == 422
    assert "No numbers are selected" in text_of(answer)


def test_nobody_with_nul_in_their_id_takes_over(synced, ops_client, number):
    member = number.members.first()
    answer = ops_client.post(f"/handover/{member.close_id}/", {"intent": str(uuid4()), f"people-{number.pk}": "a\0b"})
    assert answer.status_code == 422
    assert f"{number.number}: choose somebody who is active." in text_of(answer)


def test_a_name_with_nul_that_is_kept_while_rows_are_taken_out(synced, lead, lead_client, number):
    plan = draft(lead, [number], label="x")
    facts = {"leave": "1", "name": "West\0 and\nEast", "reason": "a\0b"}
    assert lead_client.post(f"/plans/{plan.pk}/rows/", facts).status_code == 303
    plan.refresh_from_db()
    assert (plan.name, plan.reason) == ("West and East", "ab")


def test_a_target_of_a_hundred_thousand_accents_is_refused_before_it_is_read(synced, lead_client, number):
    answer = save(lead_client, number, "forwarding", forward_to="1" + "\u0301\u0323" * 50_000)
    assert answer.status_code == 422
    assert "too short or too long to be a phone number" in text_of(answer)


def test_long_labels_from_close_do_not_hold_up_the_record(synced, ops_client):
    words = [" ".join(f"{side}{place % 7}" for place in range(50_000)) for side in "ab"]
    plan = Plan.objects.create(intent="0" * 32, source=Source.CLOSE, created_at=timezone.now())
    facts = {"state": Outcome.OBSERVED, "created_at": timezone.now()}
    facts |= {"before": {"label": f"West {words[0]}"}, "after": {"label": f"West {words[1]}"}}
    Change.objects.create(plan=plan, number=PhoneNumber.objects.all()[0], **facts)
    began = timezone.now()
    assert ops_client.get("/changes/").status_code == 200
    assert timezone.now() - began < timedelta(seconds=20)


def test_a_key_of_thousands_of_digits_marks_nothing(synced, lead_client):
    answer = lead_client.post("/changes/seen/", {"change": "9" * 5000})
    assert answer.status_code == 303


def test_an_account_of_the_demo_is_no_ops_admin_beside_a_real_close(db, settings):
    settings.CLOSE_IS_LOOPBACK = False
    make_user("Demo Klein", role=Role.OPS_ADMIN)
    last, boss = make_user("Marta Klein", role=Role.OPS_ADMIN), make_user("Nina Ops", role=Role.OPS_ADMIN)
    get_user_model().objects.filter(username="demo").update(email="ops@demo.test")
    assert set(access.ops_admins()) == {last, boss}
    page = text_of(signed_in(make_user("Jonas Weber")).get("/numbers/"))
    assert "Marta Klein or Nina Ops" in page
    assert "Demo" not in page


def test_somebody_whom_no_walk_has_met_may_be_of_another_team(synced, lead, lead_client, number):
    synced.organisation.change(number.close_id, {"participants": ["user_brandnew"]})

    answer = save(lead_client, number, "label", label="Mine for good")

    assert answer.status_code == 403
    assert synced.puts() == []


def test_an_address_that_is_none_is_no_error(db, client):
    headers = {"HX-Request": "true", "HX-Current-URL": "http://testserver//["}
    assert client.get("/numbers/", headers=headers).status_code == 401


def test_a_session_ends_eight_hours_after_the_sign_in_however_busy_it_is(synced, viewer_client):
    with time_machine.travel(timezone.now() + timedelta(hours=7), tick=False):
        assert viewer_client.get("/numbers/").status_code == 200
    with time_machine.travel(timezone.now() + timedelta(hours=8, minutes=1), tick=False):
        answer = viewer_client.get("/numbers/")
    assert answer.status_code == 302
    assert answer["Location"].startswith("/accounts/login/")


def test_what_an_ops_admin_makes_of_a_plan_is_not_told_to_its_author(synced, ops, lead, lead_client):
    mine = draft(lead, access.changeable_numbers(access.person(lead))[:1], label="Ours")
    theirs = draft(ops, some(1), label="Theirs")
    Plan.objects.filter(pk=theirs.pk).update(name="Before we let Tom go", retries=mine)
    Plan.objects.filter(pk=mine.pk).update(state=Plan.State.DONE, undoes=theirs)
    mine.changes.update(state=Outcome.APPLIED)
    page = lead_client.get(f"/plans/{mine.pk}/").content.decode()
    assert "Before we let Tom go" not in page
    assert f"/plans/{theirs.pk}/" not in page
    assert "Before we let Tom go" in text_of(signed_in(ops).get(f"/plans/{mine.pk}/"))
