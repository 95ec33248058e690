"""Search finds what holds every word, however digits are typed, and the same on both databases."""

from importlib import import_module

import pytest
from django.apps import apps
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dashboard.models import PhoneNumber
from dashboard.models.numbers import count_search, search_words
from dashboard.services.members import search_text

ROWS = [
    ("+441614960123", "Manchester support", [["u1", "Amélie Dubois", True]], ["EMEA"], "+442079460018"),
    ("+14155550142", "100% sales_line \\ west", [["u2", "Priya Nair", True]], ["Sales West"], ""),
    ("+4930901820", "Großkunden „Süd“", [["u3", "Jürgen von der Heide", False]], ["DACH"], "+4915123456789"),
    ("+46850000000", 'växel "natt"', [["u4", "Åke Öberg", True]], ["Nordics"], ""),
    ("+35312345678", "O'Brien & söhne 24/7 ☎️ 🔥 שירות", [], [], ""),
    ("+12125550100", "ΟΔΟΣ ΣΑΣ İstanbul ſtraſſe", [], [], ""),
    ("+61255501234", "", [], [], ""),
]


@pytest.fixture
def rows(db):
    """Numbers as the cache describes them."""
    for place, (number, label, people, teams, target) in enumerate(ROWS):
        row = PhoneNumber(
            close_id=f"phon_{place}", number=number, label=label, people=people, team_names=teams, forward_to=target
        )
        outside = ["+33123456789"] if place == 6 else []
        row.search_text = search_text((number, target, *outside, label), [name for _, name, _ in people], teams)
        row.save()


def found(text):
    """The rows that are found, however they are looked for, and counted."""
    ways = [PhoneNumber.objects.here().search(text, one_by_one=one_by_one) for one_by_one in (False, True)]
    one, other = ([*way.order_by("close_id").values_list("close_id", flat=True)] for way in ways)
    assert one == other
    assert count_search(text) == len(one)
    return [int(id.removeprefix("phon_")) for id in one]


@pytest.mark.parametrize(
    ("typed", "rows_found"),
    [
        ("+44 161 496 0123", [0]),
        ("0161 496", [0]),
        ("0161-496.0123", [0]),
        ("+44 (0)161 496", [0]),
        ("0044 161", [0]),
        ("(415) 555-0142", [1]),
        ("4155550142", [1]),
        ("030 90 18", [2]),
        ("020 7946", [0]),
        ("+33 1 23 45", [6]),
        ("142", [1]),
        ("42", [0, 1]),
        ("MANCHESTER", [0]),
        ("support manchester", [0]),
        ("amélie emea", [0]),
        ("manchester west", []),
        ("priya  nair", [1]),
        ("großkunden", [2]),
        ("GROSSKUNDEN", [2]),
        ("strasse", [5]),
        ("24/7", [4]),
        ("süd", [2]),
        ("„süd“", [2]),
        ('"natt"', [3]),
        ("åke", [3]),
        ("ÅKE", [3]),
        ("ake oberg", [3]),
        ("sohne", [4]),
        ("A\u030ake", [3]),
        ("o'brien", [4]),
        ("&", [4]),
        ("☎️", [4]),
        ("שירות", [4]),
        ("οδος", [5]),
        ("ΟΔΟΣ", [5]),
        ("İstanbul", [5]),
        ("100%", [1]),
        ("0%", [1]),
        ("%", [1]),
        ("_", [1]),
        ("s_l", [1]),
        ("%a%", []),
        ("\\", [1]),
        ("e", [0, 1, 2, 3, 4, 5]),
        ("sa", [1]),
        ("sales 555", [1]),
        ("+1 415 sales", [1]),
        ("AND", []),
        ("manchester OR west", []),
        ("*", []),
        ('"', [3]),
        ("'", [4]),
        ("NEAR(sales west)", []),
        ("", [0, 1, 2, 3, 4, 5, 6]),
        ("   ", [0, 1, 2, 3, 4, 5, 6]),
        ("\x00", [0, 1, 2, 3, 4, 5, 6]),
        ("sales\x00line", [1]),
        ("x" * 5000, []),
    ],
)
def test_what_is_typed_and_what_is_found(rows, typed, rows_found):
    assert found(typed) == rows_found


LETTERS = st.sampled_from("abest01 %_\\\"'*()+-^:{}ςσΣſsßẞKkÅåÅéeÉ̈üÜIıiİ☎️🔥שר\u00a0\t\x00\ud7ff")


@settings(deadline=None, max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(typed=st.text(LETTERS, max_size=8))
def test_whatever_is_typed_both_databases_find_what_holds_every_word(rows, typed):
    words = search_words(typed)
    texts = PhoneNumber.objects.order_by("close_id").values_list("search_text", flat=True)
    assert found(typed) == [place for place, text in enumerate(texts) if all(word in text for word in words)]


def test_a_database_of_before_is_found_without_accents_too(rows):
    PhoneNumber.objects.filter(close_id="phon_3").update(search_text='46850000000 växel "natt" åke öberg nordics')
    assert found("oberg") == []
    import_module("dashboard.migrations.0019_search_without_accents").fold(apps, None)
    assert found("oberg") == found("öberg") == [3]


def test_what_is_gone_is_not_found(rows):
    assert found("161") == [0]
    PhoneNumber.objects.filter(close_id="phon_0").update(missing_since=timezone.now())
    assert found("161") == []
