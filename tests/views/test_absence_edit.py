"""An absence that is on or to come, changed in its form."""

import html
import re
from uuid import uuid4

import pytest

from dashboard.models import Absence, Occurrence, PhoneNumber

from ..reading import html_of, text_of
from .planned_absence import FACTS, clock, number, plan_it

__all__ = ["clock", "number", "plan_it"]


class TestChangingOne:
    @pytest.fixture
    def form(self, plan_it, ops_client):
        """The page of the form of an absence that is there, and what it would post as it is."""
        url = plan_it()["Location"] + "edit/"
        page = ops_client.get(url)
        was = re.search(r'name="was" value="([^"]*)"', page.content.decode())[1]
        return url, FACTS | {"target": "+4917604069180", "was": html.unescape(was), "intent": str(uuid4())}

    def test_it_is_changed_and_its_numbers_too(self, form, number, ops_client):
        url, facts = form
        other = PhoneNumber.objects.filter(type="internal").exclude(pk=number.pk).order_by("pk")[0]
        facts |= {"name": "Fair", "until_day": "2026-12-08", "off": number.pk, "add": other.number}
        assert ops_client.post(url, facts).status_code == 303
        absence = Absence.objects.get()
        assert (absence.name, absence.end_days, list(absence.numbers.all())) == ("Fair", 4, [other])
        assert Occurrence.objects.get().ends_at.day == 8
        assert "Somebody has changed" not in text_of(ops_client.get(url))

    def test_what_somebody_else_changed_meanwhile_is_shown_first(self, form, ops_client):
        url, facts = form
        assert ops_client.post(url, facts | {"until_day": "2026-12-09"}).status_code == 303
        stale = ops_client.post(url, facts | {"name": "Mine"})
        assert stale.status_code == 409
        page = html_of(stale)
        assert "Somebody has changed this absence while you had it open." in page
        assert 'Until: <del class="muted">2026-12-07</del>' in page
        assert 'name="name" value="Mine"' in page
        assert 'name="until_day" value="2026-12-09"' in page
        was = html.unescape(re.search(r'name="was" value="([^"]*)"', page)[1])
        again = ops_client.post(url, facts | {"name": "Mine", "until_day": "2026-12-09", "was": was})
        assert again.status_code == 303
        absence = Absence.objects.get()
        assert (absence.name, absence.end_days) == ("Mine", 5)

    @pytest.mark.parametrize(
        "was", ["[" * 5000, '{"forwarding": {}}', '{"name": "\\ud800"}', '{"calendar": "%s"}' % ("9" * 5000), "[]"]
    )
    def test_what_it_cannot_have_shown_is_compared_as_nothing(self, form, ops_client, was):
        url, facts = form
        page = ops_client.post(url, facts | {"was": was})
        assert page.status_code == 409
        assert "Somebody has changed this absence while you had it open." in text_of(page)

    @pytest.mark.parametrize(
        ("facts", "words"),
        [
            ({"until_day": "2026-12-04", "until_time": "17:00"}, "It would end before it begins"),
            ({"add": "+49 1"}, "“+49 1”: No number in Close is +49 1."),
            ({"target": "nowhere"}, "Only digits can be dialled"),
        ],
    )
    def test_the_same_checks_as_for_a_new_one(self, form, ops_client, facts, words):
        url, given = form
        response = ops_client.post(url, given | facts)
        assert response.status_code == 422
        assert words in text_of(response)
        assert Absence.objects.get().edition == 0

    def test_only_its_author_and_ops_admins(self, form, lead_client):
        url, facts = form
        assert lead_client.post(url, facts).status_code in (403, 404)
        assert Absence.objects.get().edition == 0
