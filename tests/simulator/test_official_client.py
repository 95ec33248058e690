"""Close's own Python client (`closeio` on PyPI) takes the simulator for Close."""

import closeio_api
import pytest

from dashboard.simulator import DEMO_KEY


@pytest.fixture
def client(sim):
    client = closeio_api.Client(DEMO_KEY, tz_offset="1")
    client.base_url = f"{sim.url}/"
    client.max_retries = 1
    yield client
    client.session.close()


def test_it_lists_and_pages(client, org):
    seen, more = [], True
    while more:
        page = client.get("phone_number", params={"_skip": len(seen), "_limit": 60})
        seen += page["data"]
        more = page["has_more"]

    assert [number["id"] for number in seen] == list(org.numbers)


def test_it_reads(client, org, shared):
    assert client.get("me")["id"] == org.me["id"]
    assert client.get(f"phone_number/{shared['id']}") == shared
    assert client.get("phone_number", params={"is_group_number": True, "_fields": "id"})["data"]
    expanded = client.get(f"organization/{org.id}", params={"_expand": "memberships__user"})
    assert expanded["memberships"][0]["user"]["id"] == org.me["id"]
    assert len(client.get("group")["data"]) == 6


def test_it_updates(client, sim, org, shared):
    after = client.put(f"phone_number/{shared['id']}", data={"label": "By Close's client"})

    assert after["label"] == "By Close's client"
    assert org.numbers[shared["id"]] == after


def test_it_is_told_what_is_wrong(client, shared):
    with pytest.raises(closeio_api.ValidationError) as refused:
        client.put(f"phone_number/{shared['id']}", data={"inbound_ring_duration": 5})

    assert refused.value.errors == []
    assert refused.value.field_errors == {"inbound_ring_duration": "Value must be between 15 and 90."}


def test_it_is_refused(client, sim, shared):
    sim.permissions(manage=False)
    with pytest.raises(closeio_api.APIError) as refused:
        client.put(f"phone_number/{shared['id']}", data={"label": "x"})
    assert refused.value.response.status_code == 403

    client.session.auth = ("api_other", "")
    with pytest.raises(closeio_api.APIError) as refused:
        client.get("me")
    assert refused.value.response.status_code == 401


def test_it_waits_as_a_429_says_and_comes_again(client, sim, monkeypatch):
    naps = []
    monkeypatch.setattr("closeio_api.time.sleep", naps.append)
    client.max_retries = 3
    sim.fault("429", times=1, delay=3)

    assert client.get("me")["id"]
    assert naps == [3.0]
    assert [entry.status for entry in sim.journal] == [429, 200]
