"""The control endpoint: what a test does, from another process."""

import pytest


def test_the_journal_tells_what_was_asked(call, shared):
    call.get("phone_number/", _limit=1)
    call.put(shared["id"], label="x")
    first, second = call.look("journal")["result"]

    assert (first["method"], first["path"], first["query"]) == ("GET", "/phone_number/", {"_limit": "1"})
    assert (first["status"], first["committed"], first["body"]) == (200, False, None)
    assert (second["path"], second["body"]) == (f"/phone_number/{shared['id']}/", {"label": "x"})
    assert (second["status"], second["committed"]) == (200, True)
    assert second["received"] > first["received"]
    assert call.look("puts")["result"] == [[shared["id"], {"label": "x"}]]


def test_a_number_can_be_changed_and_looked_at_without_a_trace(call, sim, shared):
    changed = call.control("change", number_id=shared["id"], label="theirs").json()["result"]

    assert changed["label"] == "theirs"
    assert call.look(f"numbers/{shared['id']}")["result"] == changed
    assert sim.journal == []


def test_faults_go_on_and_off(call):
    assert call.control("fault", name="500", times=1).status_code == 200
    assert [fault["name"] for fault in call.look("faults")["result"]] == ["500"]
    assert call.look("faults")["known"]["no-answer"].startswith("Nothing is done")
    assert call.get("me/").status_code == 500
    call.control("fault", name="503")
    call.control("clear-faults")
    assert call.get("me/").status_code == 200


def test_numbers_are_hidden_and_shown(call, shared):
    call.control("hide", number_id=shared["id"])
    assert call.get(f"phone_number/{shared['id']}/").status_code == 404
    call.control("show", number_id=shared["id"])
    assert call.get(f"phone_number/{shared['id']}/").status_code == 200


def test_limit_permission_and_work_put_off(call, shared):
    call.control("limit", rate=1, window=3600)
    assert [call.get("me/").status_code for _ in range(2)] == [200, 429]
    call.control("permissions", manage=False, refusal_status=401)
    assert call.put(shared["id"], label="x").status_code == 401
    call.control("reset")
    call.control("fault", name="done-later")
    call.put(shared["id"], label="later")
    call.control("do-later")
    assert call.look(f"numbers/{shared['id']}")["result"]["label"] == "later"


def test_holding_waiting_and_releasing(call):
    assert call.control("hold", method="PUT").status_code == 200
    answer = call.control("wait-until-held", timeout=0.01)
    assert (answer.status_code, set(answer.json())) == (408, {"error"})
    assert call.control("release").status_code == 200


@pytest.mark.parametrize(
    ("verb", "arguments"),
    [
        ("fault", {"name": "no-such"}),
        ("fault", {}),
        ("latency", {"seconds": 1}),
        ("hide", {"number_id": "phon_nothing"}),
        ("change", {"number_id": "phon_nothing", "label": "x"}),
    ],
)
def test_arguments_that_do_not_fit_are_400(call, verb, arguments):
    answer = call.control(verb, **arguments)

    assert answer.status_code == 400
    assert answer.json()["error"]


def test_there_are_no_other_controls(call, sim):
    assert call.control("stop").status_code == 404
    assert call.request("GET", f"{sim.origin}/_control/numbers/phon_nothing/").status_code == 404
