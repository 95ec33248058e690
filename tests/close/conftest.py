"""What the tests of the Close client share: a client, a clock of its own, answers that are made up."""

import pytest
import responses

from dashboard.close import Client, LocalPacer

BASE = "https://api.close.test/api/v1"
KEY = "api_CanaryKey0123456789.Secret"


class Clock:
    """A clock that moves only when somebody sleeps; it remembers how long."""

    def __init__(self):
        self.now = 1000.0
        self.sleeps = []

    def __call__(self):
        return self.now

    def sleep(self, seconds):
        self.sleeps.append(seconds)
        self.now += seconds


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def close():
    """Close, as far as a test says what it answers."""
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        yield mock


@pytest.fixture
def client(clock):
    client = Client(BASE, api_key=KEY, sleep=clock.sleep, pacer=LocalPacer(clock=clock, sleep=clock.sleep))
    yield client
    client.close()


@pytest.fixture
def number():
    """A phone number as Close sends it: close-api's shared sample, in our own words."""
    return {
        "id": "phon_2isAjIhK",
        "organization_id": "orga_u8iS2G8N",
        "number": "+442079460321",
        "number_formatted": "+44 20 7946 0321",
        "label": "UK sales line",
        "type": "internal",
        "country": "GB",
        "user_id": None,
        "is_group_number": True,
        "participants": ["user_ada", "user_ben"],
        "participant_groups": ["group_emea"],
        "phone_numbers": ["+447700900123"],
        "forward_to": None,
        "forward_to_enabled": False,
        "press_1_to_accept": False,
        "inbound_ring_duration": 45,
        "voicemail_greeting_url": "https://media.example.com/uk.mp3",
        "carrier_type": "national",
        "date_created": "2025-06-11T09:30:00.005000+00:00",
        "date_updated": "2026-11-02T16:45:31.777000",
    }
