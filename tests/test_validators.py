"""What may become a forwarding target, a greeting, a label or a ring duration, and what is said if not."""

import phonenumbers
import pytest
from django.core.exceptions import ValidationError

from dashboard import validators


def refusal(call, *args, **kwargs):
    with pytest.raises(ValidationError) as caught:
        call(*args, **kwargs)
    return caught.value.messages[0]


class TestTarget:
    @pytest.mark.parametrize(
        ("typed", "region", "e164"),
        [
            ("+1 415 555 0142", "DE", "+14155550142"),
            ("(415) 555-0142", "US", "+14155550142"),
            ("0161 496 0304", "GB", "+441614960304"),
            ("+44 (0)20 7946 0958", "US", "+442079460958"),
            ("030 23125 020", "DE", "+493023125020"),
            ("＋１ ４１５ ５５５ ０１４２", "GB", "+14155550142"),
            ("+1\u00a0415\u2011555\u20110142\u200e", "GB", "+14155550142"),
            ("+800 1234 5678", "US", "+80012345678"),
        ],
    )
    def test_reads_a_number_however_it_is_typed(self, typed, region, e164):
        assert validators.target(typed, region=region) == validators.Target(e164, range_known=True)

    @pytest.mark.parametrize(
        ("typed", "region", "words"),
        [
            ("+1 917 555 0", "GB", "Too short for a US number: 10 digits needed."),
            ("917 555 0", "US", "Too short for a US number: 10 digits needed."),
            ("911", "US", "Too short for a US number: 10 digits needed."),
            ("+1 415 555 01421", "US", "Too long for a US number: 10 digits needed."),
            ("+33 6 39 98", "US", "Too short for an FR number: 9 digits needed."),
            ("+999 123 4567", "US", "No country has this code."),
            ("12345678", "", "Begin with + and the country code"),
            ("1-800-FLOWERS", "US", "Only digits can be dialled."),
            ("+1 415 555 0142 x12", "US", "Only digits can be dialled."),
            ("+14155550142,+14155550143", "US", "Only digits can be dialled."),
            ("+", "US", "Only digits can be dialled."),
            ("+49 1", "US", "too short"),
            ("9" * 400, "US", "too short or too long"),
        ],
    )
    def test_says_what_to_type_instead(self, typed, region, words):
        assert words in refusal(validators.target, typed, region=region)

    @pytest.mark.parametrize(
        ("typed", "kind"),
        [
            ("+1 900 555 0199", "Premium-rate"),
            ("+44 909 879 0123", "Premium-rate"),
            ("+979 123 456 789", "Premium-rate"),
            ("+808 1234 5678", "Shared-cost"),
            ("+49 180 1 123456", "Shared-cost"),
            ("+870 773 111 632", "Satellite"),
            ("+881 6 1234 5678", "Satellite"),
            ("+882 13 300000", "International networks"),
            ("+878 10 123456789", "Universal"),
            ("+44 70 1234 5678", "Universal and personal"),
        ],
    )
    def test_refuses_what_costs_extra(self, typed, kind):
        words = refusal(validators.target, typed, region="US")
        assert words.startswith(kind)
        assert "never forwards to them" in words

    @pytest.mark.parametrize(
        ("typed", "kind"),
        [
            ("+49 900 12345", "Premium-rate"),
            ("+61 1900 12345", "Premium-rate"),
            ("+1 900 123 4567", "Premium-rate"),
        ],
    )
    def test_refuses_what_begins_as_numbers_do_that_cost_extra(self, typed, kind):
        words = refusal(validators.target, typed, region="US")
        assert words.startswith(f"{kind} numbers begin like this, and they cost extra for each call")

    @pytest.mark.parametrize("typed", ["+33 6 39 98 12 34", "+1 999 555 0199", "+49 30 12"])
    def test_says_when_the_tables_do_not_know_the_range(self, typed):
        assert validators.target(typed, region="US") == validators.Target(
            "+" + "".join(filter(str.isdigit, typed)), False
        )
        assert phonenumbers.__version__ in validators.TABLES

    def test_allows_only_the_countries_it_is_told(self):
        allowed = ["US", "GB"]
        assert validators.target("+44 20 7946 0958", region="US", countries=allowed).e164 == "+442079460958"
        words = refusal(validators.target, "+33 1 99 00 12 34", region="US", countries=allowed)
        assert words.startswith("Calls may go to GB, US only")
        assert "FORWARD_COUNTRIES" in words

    def test_a_country_does_not_slip_in_beside_another_with_the_same_code(self):
        assert "JM" in refusal(validators.target, "+1 876 555 0199", region="US", countries=["US"])
        # Nobody knows whose range +1 999 is, so it counts for each country of +1.
        refusal(validators.target, "+1 999 555 0199", region="US", countries=["US"])


class TestGreeting:
    @pytest.mark.parametrize(
        "url",
        ["https://media.example.com/greetings/a.mp3?v=2", "https://example.com:8443/a", "https://8.8.8.8/a.mp3", ""],
    )
    def test_takes_public_https_addresses_and_none(self, url):
        assert validators.greeting(f" {url} ") == url

    @pytest.mark.parametrize(
        ("url", "words"),
        [
            ("http://example.com/a.mp3", "begin with https://"),
            ("javascript:alert(1)", "begin with https://"),
            ("data:audio/mpeg;base64,AAAA", "begin with https://"),
            ("//example.com/a.mp3", "begin with https://"),
            ("greeting.mp3", "begin with https://"),
            ("https://", "begin with https://"),
            ("https://user:secret@example.com/a.mp3", "user name or password"),
            ("https://user@example.com/a.mp3", "user name or password"),
            ("https://example.com:99999/a", "no web address"),
            ("https://[::1/a", "no web address"),
            ("https://example.com/a b.mp3", "no blanks"),
            ("https://example.com/\x00.mp3", "no blanks"),
            ("https://example.com\\@127.0.0.1/", "no blanks"),
            ("https://example.com/" + "a" * 2000, "at most 2,000 characters"),
        ],
    )
    def test_says_what_is_wrong(self, url, words):
        assert words in refusal(validators.greeting, url)

    @pytest.mark.parametrize(
        "host",
        [
            "127.0.0.1",
            "127.1",
            "0x7f.1",
            "2130706433",
            "017700000001",
            "127.0.0.1.",
            "１２７.0.0.1",
            "127。0。0。1",
            "0.0.0.0",
            "10.1.2.3",
            "172.16.0.1",
            "192.168.1.1",
            "169.254.169.254",
            "100.64.0.1",
            "224.0.0.1",
            "[::1]",
            "[::]",
            "[::ffff:127.0.0.1]",
            "[::127.0.0.1]",
            "[64:ff9b::7f00:1]",
            "[2002:7f00:1::]",
            "[fe80::1]",
            "[fd00::1]",
            "localhost",
            "LOCALHOST.",
            "app.localhost",
            "printer",
            "nas.local",
            "db.internal",
            "router.home.arpa",
        ],
    )
    def test_refuses_what_lies_inside_a_network(self, host):
        assert "private network" in refusal(validators.greeting, f"https://{host}/a.mp3")

    def test_takes_the_simulated_organisation_and_nothing_beside_it(self):
        origin = "http://127.0.0.1:8001"
        assert validators.greeting(f"{origin}/a.mp3", also_allowed=origin) == f"{origin}/a.mp3"
        refusal(validators.greeting, "http://127.0.0.1:80012/a.mp3", also_allowed=origin)
        refusal(validators.greeting, "http://127.0.0.1:8001@example.com/a.mp3", also_allowed=origin)


class TestLabel:
    def test_takes_one_line_of_text(self):
        assert validators.label("  Zürich 接待 <b>&amp; =1+1 ") == "Zürich 接待 <b>&amp; =1+1"
        assert validators.label("") == ""
        assert validators.label("x" * 200) == "x" * 200

    @pytest.mark.parametrize("text", ["a\nb", "a\x00b", "a\x1bb", "a\u2028b", "a\tb"])
    def test_refuses_control_characters(self, text):
        assert "control characters" in refusal(validators.label, text)

    def test_says_the_limit(self):
        words = refusal(validators.label, "x" * 10_000)
        assert words == "Too long: a label has at most 200 characters, this has 10,000."


class TestRing:
    @pytest.mark.parametrize(("text", "seconds"), [("15", 15), (" 90 ", 90)])
    def test_takes_15_to_90_seconds(self, text, seconds):
        assert validators.ring(text) == seconds

    @pytest.mark.parametrize("text", ["14", "91", "abc", "", "30.5", "-30", "３０", "1e1", "0" * 5000])
    def test_says_the_limits(self, text):
        assert refusal(validators.ring, text) == "Type a whole number of seconds from 15 to 90."
