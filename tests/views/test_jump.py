"""Jump to: what a few letters find, for whom, and where it leads."""

import pytest

from dashboard.models import Group, Member, PhoneNumber
from dashboard.templatetags.ui import phone


def found(client, text, **headers):
    headers = {"HX-Request": "true", "HX-Target": "jump-found"} | headers
    return client.get("/jump/", {"q": text}, headers=headers).content.decode()


def test_a_number_by_its_digits_or_its_label(synced, ops_client):
    number = PhoneNumber.objects.exclude(label="").first()
    for text in (number.number[-6:], number.label):
        page = found(ops_client, text)
        assert f'href="/numbers/{number.close_id}/"' in page
        assert phone(number.number) in page


def test_a_person_a_team_and_a_page(synced, ops_client):
    member, team = Member.objects.filter(active=True).first(), Group.objects.first()
    assert f'href="/numbers/?member={member.close_id}"' in found(ops_client, member.name.lower())
    assert f'href="/numbers/?team={team.close_id}"' in found(ops_client, team.name[:4])
    assert 'href="/absences/"' in found(ops_client, "abs")
    # A page is found by how its words begin.
    assert 'href="/connection/"' in found(ops_client, "close")
    assert 'href="/connection/"' not in found(ops_client, "lose")


def test_before_anything_is_typed_the_pages_are_there(synced, ops_client, viewer_client):
    assert 'href="/people/"' in found(ops_client, "")
    page = found(viewer_client, "")
    assert 'href="/numbers/"' in page
    assert not [address for address in ("/people/", "/plans/", "/connection/", "/events/") if address in page]


def test_enter_leads_to_the_first_and_stays_where_nothing_is_found(synced, ops_client):
    number = PhoneNumber.objects.first()
    response = ops_client.get("/jump/", {"q": number.number, "go": "1"})
    assert (response.status_code, response["Location"]) == (303, f"/numbers/{number.close_id}/")
    response = ops_client.get("/jump/", {"q": "<nothing>", "go": "1"})
    assert response.status_code == 200
    assert "Nothing here is called “&lt;nothing&gt;”." in response.content.decode()


def test_a_lead_finds_the_own_teams_numbers_people_and_teams_only(synced, lead, lead_client, person_of):
    from dashboard import access

    outside = PhoneNumber.objects.exclude(pk__in=access.visible_numbers(person_of(lead))).first()
    assert outside.close_id not in found(lead_client, outside.number)
    others = Group.objects.exclude(pk__in=[team.pk for team in lead.access.teams.all()])
    assert [team.name for team in others if f"team={team.close_id}" in found(lead_client, team.name)] == []


@pytest.mark.parametrize("text", ["\0", "%", "_", "x" * 500, "' OR 1=1 --"])
def test_odd_text_finds_nothing_and_breaks_nothing(synced, ops_client, text):
    assert "<section" not in found(ops_client, text) or text == "\0"
