"""The number list: what it finds, in which order, on which page; and that no address breaks it."""

import re

import pytest
from django.db import connection
from django.template.loader import render_to_string
from django.test.utils import CaptureQueriesContext

from dashboard.filters import COLUMNS
from dashboard.models import Change, Group, Outcome, PhoneNumber, Preference, SavedView
from dashboard.views import number_query
from dashboard.views.number_rows import row_of

from ..conftest import signed_in
from ..reading import text_of
from .editing import HTMX, any_number
from .story import happened


def found(response):
    """The numbers in the table, as Close names them, in their order."""
    return re.findall(r'<tr id="number-(\w+)"', response.content.decode())


def ids(numbers):
    return {number.close_id for number in numbers}


@pytest.fixture
def numbers(synced):
    return list(PhoneNumber.objects.order_by("number", "id"))


class TestPage:
    def test_shows_all_numbers_with_what_can_be_changed(self, ops_client, numbers):
        response = ops_client.get("/numbers/")
        assert found(response) == [number.close_id for number in numbers]
        words = text_of(response)
        assert f"Phone numbers {len(numbers)}" in words
        assert "1–40 of 40" in words
        assert 'role="switch"' in response.content.decode()

    def test_the_root_leads_here(self, ops_client, db):
        assert ops_client.get("/")["Location"] == "/numbers/"

    def test_htmx_gets_the_table_without_the_page(self, ops_client, numbers):
        response = ops_client.get("/numbers/?q=&sort=number&team=", **HTMX)
        assert response.content.decode().startswith('<div id="numbers"')
        assert response["HX-Replace-Url"] == "/numbers/"
        assert "<html" not in response.content.decode()

    def test_a_restored_page_is_a_whole_page(self, ops_client, numbers):
        response = ops_client.get("/numbers/", **HTMX, HTTP_HX_HISTORY_RESTORE_REQUEST="true")
        assert "<html" in response.content.decode()

    @pytest.mark.parametrize("query", ["q=a", "q=a&sort=-label&per_page=25&page=2", "q=sa+a&forwarding=on"])
    def test_a_search_that_finds_much_shows_what_it_always_shows(self, ops_client, numbers, monkeypatch, query):
        pages = []
        for few_found, most in [(number_query.FEW_FOUND, number_query.MOST_NUMBERS), (0, 0)]:
            monkeypatch.setattr(number_query, "FEW_FOUND", few_found)
            monkeypatch.setattr(number_query, "MOST_NUMBERS", most)
            response = ops_client.get(f"/numbers/?{query}")
            pages.append((found(response), re.search(r"[\d–]+ of \d+", text_of(response))[0]))
        assert pages[0] == pages[1]
        assert pages[0][0]

    def test_a_viewer_sees_values_and_why_they_are_locked(self, viewer_client, numbers):
        html = viewer_client.get("/numbers/").content.decode()
        assert 'class="cell-edit"' not in html
        assert 'role="switch"' not in html
        assert 'tabindex="0" data-why="You may look at this number, not change it.' in html

    def test_a_lead_sees_the_own_teams_numbers(self, synced, lead):
        team = Group.objects.order_by("name").first()
        response = signed_in(lead).get("/numbers/")
        assert set(found(response)) == ids(n for n in PhoneNumber.objects.all() if team.name in n.team_names)
        assert "outside your teams" in response.content.decode()

    def test_who_left_is_marked(self, ops_client, numbers):
        number = numbers[0]
        PhoneNumber.objects.filter(pk=number.pk).update(people=[["user_1", "Luis Prado", False]])
        row = ops_client.get(f"/numbers/{number.close_id}/row/", **HTMX)
        assert "Luis Prado left" in text_of(row)


class TestSearch:
    def test_finds_digits_however_they_are_typed(self, ops_client, numbers):
        number = any_number(country="US")
        digits = number.number[2:]
        for typed in (number.number, digits, f"({digits[:3]}) {digits[3:6]}-{digits[6:]}", f"001 {digits}"):
            assert number.close_id in found(ops_client.get("/numbers/", {"q": typed})), typed

    def test_finds_label_person_and_target(self, ops_client, numbers):
        number = next(n for n in numbers if n.label and n.people and n.forward_to)
        for typed in (number.label.upper(), number.people[0][1], number.forward_to):
            assert number.close_id in found(ops_client.get("/numbers/", {"q": typed})), typed

    def test_counts_and_says_what_was_looked_for_when_nothing_matches(self, ops_client, numbers):
        response = ops_client.get("/numbers/?q=weekend&forwarding=off")
        words = text_of(response)
        assert "0 of 40" in words
        assert "40 numbers, none with “weekend” and forwarding Off." in words
        assert "Clear filters" in words

    @pytest.mark.parametrize("typed", ['"', "'", "*", "a OR b", "NEAR(", "%", "_", "\\", "-", "🙂", "a" * 200])
    def test_odd_signs_are_looked_for_as_they_are(self, ops_client, numbers, typed):
        assert ops_client.get("/numbers/", {"q": typed}).status_code == 200


class TestFilters:
    def test_team_by_repetition_and_by_comma(self, ops_client, numbers):
        one, other = Group.objects.order_by("name")[:2]
        expected = ids(n for n in numbers if {one.name, other.name} & set(n.team_names))
        for query in (f"team={one.close_id}&team={other.close_id}", f"team={one.close_id},{other.close_id}"):
            response = ops_client.get(f"/numbers/?{query}")
            assert set(found(response)) == expected
            assert f"Team {one.name}, {other.name}" in text_of(response)

    def test_person(self, ops_client, numbers):
        member, name, _ = next(n.people[0] for n in numbers if n.people)
        response = ops_client.get(f"/numbers/?member={member}")
        assert set(found(response)) == ids(n for n in numbers if member in [entry[0] for entry in n.people])
        assert f"Person {name}" in text_of(response)

    @pytest.mark.parametrize(
        ("query", "matches"),
        [
            ("forwarding=on", lambda n: n.forward_to_enabled),
            ("forwarding=off", lambda n: not n.forward_to_enabled),
            ("forwarding=none", lambda n: not n.forward_to),
            ("greeting=set", lambda n: n.voicemail_greeting_url),
            ("greeting=none", lambda n: not n.voicemail_greeting_url),
            ("country=us,GB", lambda n: n.country in ("US", "GB")),
            ("type=internal", lambda n: n.type == "internal"),
            ("forwarding=on&country=US", lambda n: n.forward_to_enabled and n.country == "US"),
        ],
    )
    def test_one_by_one_and_together(self, ops_client, numbers, query, matches):
        assert set(found(ops_client.get(f"/numbers/?{query}"))) == ids(n for n in numbers if matches(n))

    def test_changed_in_close_until_somebody_has_seen_it(self, ops_client, numbers):
        change = happened(numbers[0], Outcome.OBSERVED, {"label": "a"}, {"label": "b"})
        assert found(ops_client.get("/numbers/?changed=close")) == [numbers[0].close_id]
        Change.objects.filter(pk=change.pk).update(seen_at=change.created_at)
        assert found(ops_client.get("/numbers/?changed=close")) == []

    def test_a_lead_cannot_filter_by_a_team_that_is_not_theirs(self, synced, lead):
        foreign = Group.objects.order_by("name")[1]
        words = text_of(signed_in(lead).get(f"/numbers/?team={foreign.close_id}"))
        assert "“Team” was not understood and is left out." in words

    @pytest.mark.parametrize("name", ["team", "member", "type", "country", "forwarding", "greeting", "changed"])
    def test_each_has_a_list_to_tick_with_and_without_script(self, ops_client, numbers, name):
        menu = ops_client.get(f"/numbers/choose/{name}/", **HTMX)
        page = ops_client.get(f"/numbers/choose/{name}/?q=west")
        assert f'name="{name}"' in menu.content.decode()
        assert "<html" not in menu.content.decode()
        assert '<input type="hidden" name="q" value="west">' in page.content.decode()

    def test_there_is_no_list_for_nonsense(self, ops_client, db):
        assert ops_client.get("/numbers/choose/nonsense/").status_code == 404


class TestOrderAndPages:
    @pytest.mark.parametrize(
        "sort", ["number", "label", "team", "members", "forwarding", "press_1", "greeting", "changed"]
    )
    def test_each_order_turned_round_is_the_other_way(self, ops_client, numbers, sort):
        up, down = (found(ops_client.get(f"/numbers/?sort={sign}{sort}")) for sign in ("", "-"))
        assert sorted(up) == sorted(ids(numbers))
        assert up == down[::-1]

    @pytest.mark.parametrize("sort", ["number", "-label"])
    def test_pages_join_without_gap_or_double(self, ops_client, numbers, sort):
        whole = found(ops_client.get(f"/numbers/?sort={sort}"))
        pages = [found(ops_client.get(f"/numbers/?sort={sort}&per_page=25&page={page}")) for page in (1, 2)]
        assert [len(page) for page in pages] == [25, 15]
        assert pages[0] + pages[1] == whole

    def test_says_how_it_is_sorted(self, ops_client, numbers):
        html = ops_client.get("/numbers/?sort=-label").content.decode()
        assert 'aria-sort="descending"' in html
        assert "sorted by label descending" in html

    def test_cards_are_sorted_by_all_that_a_table_is(self, ops_client, numbers):
        """Cards leave out what is "hide-md" or "hide-sm"; no heading is."""
        html = ops_client.get("/numbers/").content.decode()
        [head] = re.findall(r"<thead.*</thead>", html, re.S)
        assert re.findall(r'id="sort-(\w+)"', head) == ["number", *COLUMNS]
        assert "hide-" not in head


class TestBadAddresses:
    @pytest.mark.parametrize(
        ("query", "note"),
        [
            ("page=0", "There is no page “0”; page 1 is shown."),
            ("page=-1", "There is no page “-1”"),
            ("page=abc", "There is no page “abc”"),
            ("page=1000000000", "There is one page."),
            ("page=9999999999999999999999", "There is no page"),
            ("sort=nonsense", "The list cannot be sorted by “nonsense”"),
            ("sort=--number", "The list cannot be sorted by"),
            ("per_page=7", "A page has 25, 50, 100 or 200 numbers"),
            ("columns=label,nonsense", "Some columns are not known"),
            ("forwarding=maybe", "“Forwarding” was not understood and is left out."),
            ("team=group_nothing", "“Team” was not understood"),
            ("member=%27%20OR%201", "“Person” was not understood"),
            ("country=USA", "“Country” was not understood"),
            ("q=%00", "“Search” was not understood"),
            ("q=" + "x" * 201, "“Search” was not understood"),
            ("foo=1", "This list has no parameter “foo”"),
            ("view=99999", "That saved view is not there any more"),
            ("view=abc", "That saved view is not there any more"),
        ],
    )
    def test_are_shown_with_a_note(self, ops_client, numbers, query, note):
        response = ops_client.get(f"/numbers/?{query}")
        assert response.status_code == 200
        assert note in text_of(response)
        assert len(found(response)) == 40

    @pytest.mark.parametrize(
        "query", ["?%ff%fe=%80", "?q=%ed%a0%80", "?page=%D9%A1", "?team=" + "a," * 5000, "?=&=&&"]
    )
    def test_never_break_it(self, ops_client, numbers, query):
        assert ops_client.get(f"/numbers/{query}").status_code == 200


class TestColumns:
    def test_the_address_says_which(self, ops_client, numbers):
        html = ops_client.get("/numbers/?columns=label,changed").content.decode()
        assert re.findall(r'id="sort-(\w+)"', html) == ["number", "label", "changed"]
        assert "-forwarding-switch" not in html

    def test_are_remembered_for_the_person(self, ops_client, ops, numbers):
        response = ops_client.post("/numbers/columns/", {"columns": ["label", "team"], "query": "?forwarding=on"})
        assert response.status_code == 303
        assert response["Location"] == "/numbers/?forwarding=on&columns=label,team"
        assert Preference.objects.get(user=ops).columns == ["label", "team"]
        html = ops_client.get("/numbers/").content.decode()
        assert re.findall(r'id="sort-(\w+)"', html) == ["number", "label", "team"]

    def test_only_the_number_is_a_choice_too(self, ops_client, numbers):
        response = ops_client.post("/numbers/columns/", {"query": ""})
        html = ops_client.get(response["Location"]).content.decode()
        assert re.findall(r'id="sort-(\w+)"', html) == ["number"]


class TestEmpty:
    def test_before_the_first_walk(self, ops_client, db):
        words = text_of(ops_client.get("/numbers/"))
        assert "No numbers yet" in words
        assert "Read from Close now" in words

    def test_a_lead_without_a_team(self, synced, lead):
        lead.access.teams.clear()
        words = text_of(signed_in(lead).get("/numbers/"))
        assert "Your teams have no numbers" in words
        assert "Ask an ops admin" in words


class TestCost:
    def many(self, count):
        """Rows as the cache has them, without asking anybody."""
        PhoneNumber.objects.bulk_create(
            PhoneNumber(
                close_id=f"phon_{i}", number=f"+1415555{i:04}", label=f"Line {i}", type="internal", country="US"
            )
            for i in range(count)
        )

    @pytest.mark.parametrize("query", ["", "?q=line&forwarding=off&sort=-label&per_page=200"])
    def test_queries_do_not_grow_with_the_numbers(self, ops_client, db, query):
        self.many(10)
        ops_client.get(f"/numbers/{query}")
        costs = []
        for more in (0, 990):
            PhoneNumber.objects.all().delete()
            self.many(10 + more)
            with CaptureQueriesContext(
                connection,
            ) as queries:
                assert ops_client.get(f"/numbers/{query}").status_code == 200
            costs.append(len(queries))
        assert costs[0] == costs[1] <= 8

    def test_a_lead_with_filters_costs_no_more_than_8(self, synced, lead):
        client = signed_in(lead)
        team = Group.objects.order_by("name").first()
        SavedView.objects.create(owner=lead, name="Mine", query="q=a")
        with CaptureQueriesContext(connection) as queries:
            client.get(f"/numbers/?team={team.close_id}&sort=label")
        assert len(queries) <= 8

    def test_a_get_writes_nothing(self, ops_client, numbers):
        ops_client.get("/numbers/")
        with CaptureQueriesContext(connection) as queries:
            for url in ("/numbers/", "/numbers/counts/", "/numbers/export.csv", "/views/"):
                list(ops_client.get(url))
        # But that somebody took an export along.
        history = re.compile(r'INSERT INTO "?dashboard_(counter \(name, value\) VALUES \(\'history\'|event)')
        # PostgreSQL streams the export by a cursor of the server, which is declared and only reads.
        reading = ("SELECT", "BEGIN", "COMMIT", 'DECLARE "_django_curs')
        written = [query["sql"] for query in queries if not query["sql"].startswith(reading)]
        assert [bool(history.match(sql)) for sql in written] == [True, True]


def test_a_row_is_made_of_the_same_cells_as_the_editors_close_into(numbers, rf):
    """One flat row is quicker than a row of includes; the price is that both must say the same."""

    def flat(html):
        return " ".join(html.split())

    for number in numbers:
        for why in ("", "Because."):
            row = row_of(number, why=why)
            columns = dict.fromkeys(["label", "forwarding", "greeting"], True)
            whole = flat(render_to_string("numbers/_row.html", {"rows": [row], "columns": columns}))
            for name in ("label", "forwarding", "voicemail"):
                assert flat(render_to_string(f"numbers/_cell_{name}.html", {"row": row})) in whole


def test_a_row_has_the_columns_of_the_table(ops_client, numbers):
    html = ops_client.get(f"/numbers/{numbers[0].close_id}/row/?columns=label", **HTMX).content.decode()
    assert html.lstrip().startswith(f'<tr id="number-{numbers[0].close_id}"')
    assert "-label-edit" in html
    assert "-forwarding" not in html
