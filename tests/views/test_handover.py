"""Hand-over of somebody who left: what hangs on them is shown, and becomes a draft."""

from uuid import uuid4

from dashboard.models import Member, Plan
from dashboard.services import handover

from ..reading import html_of


def test_from_a_number_to_a_draft(synced, ops_client, lead_client):
    member = Member.objects.filter(numbers__isnull=False).order_by("name").first()
    number = member.numbers.first()
    url = f"/handover/{member.close_id}/"
    assert url in html_of(ops_client.get(f"/numbers/{number.close_id}/"))
    assert lead_client.get(url).status_code == 403
    page = html_of(ops_client.get(url))
    assert f"Hand-over of {member.name}" in page
    successor = Member.objects.filter(active=True).exclude(pk=member.pk).order_by("name")[0]
    facts = {"intent": str(uuid4()), "successor": successor.close_id, "target": "", "reason": "Left in November"}
    response = ops_client.post(url, facts)
    plan = Plan.objects.get(source="handover")
    assert (response.status_code, response["Location"]) == (303, f"/plans/{plan.pk}/")
    assert plan.reason == "Left in November"
    assert plan.changes.filter(number=number).get().after == {
        "participants": sorted(_after(number, member, successor))
    }
    draft = html_of(ops_client.get(response["Location"]))
    assert successor.name in draft


def _after(number, member, successor):
    active = {entry[0] for entry in number.people if entry[2]} - {member.close_id}
    return active | {successor.close_id}


def test_a_target_that_cannot_be_is_said(synced, ops_client):
    member = Member.objects.first()
    url = f"/handover/{member.close_id}/"
    response = ops_client.post(url, {"intent": str(uuid4()), "target": "nowhere"})
    assert response.status_code == 422
    assert "Only digits can be dialled" in html_of(response)
    assert ops_client.get("/handover/nobody/").status_code == 404


def test_somebody_on_a_thousand_numbers_is_handed_over_too(synced, ops_client):
    rows = {f"{part}-{key}": "" for key in range(1_000) for part in ("people", "forwarding", "to")}
    response = ops_client.post(f"/handover/{Member.objects.first().close_id}/", rows | {"intent": str(uuid4())})
    assert response.status_code == 303


def test_each_row_may_have_a_choice_of_its_own(synced, ops_client, person_of, ops):
    member = max(Member.objects.all(), key=lambda one: one.numbers.count())
    first, second, *others = handover.hanging_on(member, person_of(ops)).every
    successor, another = Member.objects.filter(active=True).exclude(pk=member.pk).order_by("name")[:2]
    facts = {"intent": str(uuid4()), "successor": successor.close_id, f"people-{first.pk}": "keep"}
    wrong = ops_client.post(f"/handover/{member.close_id}/", facts | {f"people-{second.pk}": "user_nobody"})
    assert wrong.status_code == 422
    assert f"{second.number}: choose somebody who is active." in html_of(wrong)
    ops_client.post(f"/handover/{member.close_id}/", facts | {f"people-{second.pk}": another.close_id})
    rows = {change.number: change.after for change in Plan.objects.get(source="handover").changes.all()}
    assert first not in rows
    assert another.close_id in rows[second]["participants"]
    assert successor.close_id not in rows[second]["participants"] or successor in second.members.all()
    assert all(number in rows for number in others)
