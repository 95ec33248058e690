"""The page of a plan that shall run later says what it makes sure of, and asks for the count of all of it."""

from datetime import timedelta

from django.utils import timezone

from dashboard.models import PhoneNumber
from dashboard.services import sync

from ..reading import text_of
from ..services.planned import draft, some
from .test_plan_draft import confirm


def later():
    then = timezone.localtime(timezone.now() + timedelta(days=2))
    return {"when": "later", "date": f"{then:%Y-%m-%d}", "time": f"{then:%H:%M}", "drift": "anyway"}


def test_what_is_so_already_is_told_and_shown(synced, ops, ops_client):
    synced.change_as_somebody_else(some(1, forward_to_enabled=True)[0].close_id, label="Desk")
    sync.sync()
    plan = draft(ops, some(2, forward_to_enabled=True), label="Desk", forward_to_enabled=True)
    words = text_of(ops_client.get(f"/plans/{plan.pk}/"))
    assert "1 number will change in Close." in words
    assert "2 numbers will be as this plan says, in every field that it names." in words
    assert "1 of them is so already; then it makes sure of it." in words
    assert confirm(ops_client, plan, **later()).status_code == 303
    words = text_of(ops_client.get(f"/plans/{plan.pk}/"))
    assert "2 changes" in words
    assert "Label: stays Desk" in words
    assert words.count("Forwarding: stays on") == 2


def test_the_count_is_that_of_all_numbers_that_it_makes_sure_of(synced, ops, ops_client):
    numbers = PhoneNumber.objects.order_by("pk")
    PhoneNumber.objects.filter(pk__in=[number.pk for number in numbers[:20]]).update(label="Desk")
    plan = draft(ops, numbers[:30], label="Desk")
    asked = confirm(ops_client, plan, **later(), count="10")
    assert asked.status_code == 422
    assert "Type 30 to confirm that 30 numbers change." in text_of(asked)
    assert "Schedule 30 changes" in text_of(asked)
    assert confirm(ops_client, plan, **later(), count="30").status_code == 303


def test_where_all_is_so_already_it_can_be_made_sure_of_later(synced, ops, ops_client):
    number = some(1)[0]
    plan = draft(ops, [number], label=number.label)
    words = text_of(ops_client.get(f"/plans/{plan.pk}/"))
    assert "Nothing in this plan would change a number now." in words
    assert confirm(ops_client, plan).status_code == 409
    assert confirm(ops_client, plan, **later()).status_code == 303
