"""The organisation in a file: what was changed is there after a restart."""

import json

import pytest
import requests

from dashboard.simulator import DEMO_KEY, Organisation, Simulator
from dashboard.simulator.state import StateError, load


@pytest.fixture
def path(tmp_path):
    return tmp_path / "var" / "close.json"


def test_changes_survive_and_greetings_move_along(path):
    first = Organisation.make(numbers=40, members=5, groups=2)
    changed, released, *_ = first.numbers
    with Simulator(first, state=path) as sim:
        answer = requests.put(
            f"{sim.url}/phone_number/{changed}/", json={"label": "Kept 🔥"}, auth=(DEMO_KEY, ""), timeout=5
        )
        sim.hide(released)
        before = dict(first.numbers)
        old = sim.origin
    second = load(path)
    with Simulator(second, state=path) as sim:
        assert sim.origin != old
        assert requests.get(f"{sim.url}/me/", auth=(DEMO_KEY, ""), timeout=5).json()["id"] == first.me["id"]
        after = dict(second.numbers)
        for number in before.values():
            if number["voicemail_greeting_url"]:
                number["voicemail_greeting_url"] = number["voicemail_greeting_url"].replace(old, sim.origin)

        assert after[changed]["date_updated"] == answer.json()["date_updated"]
        assert after == before
        assert list(after) == list(before)
        assert released not in after
    assert second.groups == first.groups
    assert second.inactive_memberships == first.inactive_memberships


def test_the_file_is_there_from_the_start_and_follows_without_a_stop(path):
    organisation = Organisation.make(numbers=2, members=1)
    number = next(iter(organisation.numbers))
    with Simulator(organisation, state=path) as sim:
        assert len(load(path).numbers) == 2
        sim.change_as_somebody_else(number, label="Soon on disk")
        written = path.stat().st_mtime_ns
        sim.stop()
        assert path.stat().st_mtime_ns > written
        assert load(path).numbers[number]["label"] == "Soon on disk"


def test_nothing_half_written_is_left(path):
    with Simulator(Organisation.make(numbers=2, members=1), state=path):
        pass

    assert [file.name for file in path.parent.iterdir()] == ["close.json"]


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", json.dumps({"version": 1}), json.dumps({"version": 99})])
def test_a_file_that_holds_nothing_says_what_to_do(tmp_path, text):
    path = tmp_path / "close.json"
    path.write_text(text)
    with pytest.raises(StateError, match="Delete it to start over"):
        load(path)
