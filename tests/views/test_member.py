"""The page of one person of the Close organisation: what hangs on them, as far as whoever looks may see it."""

from datetime import timedelta

from django.utils import timezone

from dashboard import access
from dashboard.models import Member, PhoneNumber

from ..reading import html_of, text_of
from ..services.planned import approve, draft


def phone_of_their_own(synced):
    """A person, and a number that is theirs alone."""
    number = next(one for one in PhoneNumber.objects.filter(groups__isnull=True) if len(one.people) == 1)
    return number.members.get(), number


def test_it_says_what_hangs_on_somebody_and_leads_to_the_hand_over(synced, ops, ops_client):
    member, phone = phone_of_their_own(synced)
    other = PhoneNumber.objects.exclude(members=member).filter(type="internal").first()
    plan = draft(ops, [other], forward_to=phone.number, forward_to_enabled=True)
    approve(plan, ops, run_at=timezone.now() + timedelta(days=1))
    page = ops_client.get(f"/people/{member.close_id}/")
    assert f'href="/handover/{member.close_id}/"' in html_of(page)
    assert f'href="/plans/{plan.pk}/"' in html_of(page)
    for number in member.numbers.all():
        assert f'href="/numbers/{number.close_id}/"' in html_of(page)
    assert "Plans that will send calls to a phone of theirs" in text_of(page)
    assert f'href="/plans/{plan.pk}/"' in html_of(ops_client.get(f"/handover/{member.close_id}/"))
    assert f'href="/people/{member.close_id}/"' in html_of(ops_client.get(f"/numbers/{phone.close_id}/"))


def test_a_lead_sees_the_people_of_their_numbers_and_of_them_their_numbers(synced, lead, lead_client):
    seen = access.visible_numbers(access.person(lead))
    member = Member.objects.filter(numbers__in=seen).exclude(numbers__isnull=True).first()
    page = html_of(lead_client.get(f"/people/{member.close_id}/"))
    assert "/handover/" not in page
    for number in member.numbers.all():
        assert (f'href="/numbers/{number.close_id}/"' in page) == seen.filter(pk=number.pk).exists()
    stranger = Member.objects.exclude(numbers__in=seen).first()
    for nobody in (stranger.close_id, "user_nobody"):
        assert lead_client.get(f"/people/{nobody}/").status_code == 404


def test_an_account_leads_to_the_person_of_the_same_address(synced, ops, ops_client):
    member = Member.objects.filter(active=True).first()
    ops.email = member.email.upper()
    ops.save()
    assert f'href="/people/{member.close_id}/"' in html_of(ops_client.get("/people/"))
