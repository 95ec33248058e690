"""The bell and the page of messages."""

from dashboard.models import Notice, Preference
from dashboard.services import notices

from ..reading import html_of


def test_the_bell_counts_and_the_page_is_read(synced, ops, ops_client, viewer_client):
    assert "No messages yet" in html_of(ops_client.get("/notices/"))
    notices.tell([ops], Notice.Kind.PLAN, "“Christmas” has ended: 38 numbers changed.", "/plans/7/")
    page = html_of(ops_client.get("/numbers/"))
    assert 'aria-label="Messages: 1 not read"' in page
    page = html_of(ops_client.get("/notices/"))
    assert 'href="/plans/7/">“Christmas” has ended: 38 numbers changed.</a>' in page
    assert "Mark 1 as read" in page
    assert ops_client.post("/notices/read/").status_code == 303
    assert 'aria-label="Messages"' in html_of(ops_client.get("/numbers/"))
    assert "Christmas" not in html_of(viewer_client.get("/notices/"))


def test_each_person_chooses_what_comes_and_how(synced, ops, ops_client):
    facts = {"theme": "dark", "zone": "", "letter_keys": "true", "mail": "daily", "wanted": ["plan", "system"]}
    assert ops_client.post("/settings/", facts).status_code == 303
    chosen = Preference.objects.get(user=ops)
    assert (chosen.mail, sorted(chosen.muted)) == ("daily", ["absence", "outside"])
    notices.tell([ops], Notice.Kind.OUTSIDE, "Not wanted.")
    assert not Notice.objects.exists()
