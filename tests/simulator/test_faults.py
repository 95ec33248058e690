"""Each fault, seen from the other end of a real connection."""

import pytest
import requests

from dashboard.simulator.faults import FAULTS, OPTIONAL_KEYS


def changed(org, number):
    return org.numbers[number["id"]]["label"] != number["label"]


def test_every_fault_has_a_name_and_a_sentence():
    for name, fault in FAULTS.items():
        assert name == fault.name
        assert name == name.lower().replace(" ", "-")
        assert fault.says.endswith(".")


def test_a_fault_of_no_name_is_refused_with_all_that_there_are(sim):
    with pytest.raises(ValueError, match=r"There is no fault “500s”\. There are: 429, 429-html, "):
        sim.fault("500s")


@pytest.mark.parametrize("name", ["400", "401", "402", "403", "404", "500", "502", "503", "504"])
def test_a_status_comes_with_json_and_nothing_is_done(call, sim, org, shared, name):
    sim.fault(name)
    answer = call.put(shared["id"], label="x")

    assert answer.status_code == int(name)
    assert answer.json()
    assert "RateLimit" in answer.headers
    assert not changed(org, shared)
    assert [(entry.status, entry.committed) for entry in sim.journal] == [(int(name), False)]


def test_400_names_the_first_field_that_was_sent(call, sim, shared):
    sim.fault("400")

    assert call.put(shared["id"], forward_to="+16285550190", label="x").json() == {
        "errors": [],
        "field-errors": {"forward_to": "This forward to cannot be used right now."},
    }
    assert set(call.get("me/").json()) == {"error"}


def test_429_says_when_to_come_back(call, sim, org, shared):
    sim.fault("429")
    answer = call.put(shared["id"], label="x")

    assert answer.status_code == 429
    assert answer.headers["RateLimit"] == "limit=20, remaining=0, reset=0.4"
    assert answer.headers["retry-after"] == "1"
    assert set(answer.json()) == {"error"}
    assert not changed(org, shared)


def test_429_html_has_the_headers_and_no_json(call, sim):
    sim.fault("429-html", delay=2.5)
    answer = call.get("me/")

    assert (answer.status_code, answer.headers["Content-Type"]) == (429, "text/html")
    assert answer.headers["RateLimit"] == "limit=20, remaining=0, reset=2.5"
    with pytest.raises(requests.JSONDecodeError):
        answer.json()


def test_retry_after_decimal_has_no_rate_limit(call, sim):
    sim.fault("retry-after-decimal", delay=0.25)
    answer = call.get("me/")

    assert (answer.status_code, answer.headers["retry-after"]) == (429, "0.25")
    assert "RateLimit" not in answer.headers


def test_html_error_is_the_page_of_a_gateway(call, sim):
    sim.fault("html-error")
    answer = call.get("me/")

    assert (answer.status_code, answer.headers["Content-Type"]) == (502, "text/html")
    assert answer.text.startswith("<html>")


def test_no_answer_means_that_nothing_was_done(call, sim, org, shared):
    sim.fault("no-answer")
    with pytest.raises(requests.ConnectionError):
        call.put(shared["id"], label="x")

    assert not changed(org, shared)
    assert [(entry.status, entry.committed) for entry in sim.journal] == [(None, False)]


def test_half_an_answer_comes_after_the_work(call, sim, org, shared):
    sim.fault("half-answer")
    with pytest.raises((requests.exceptions.ChunkedEncodingError, requests.ConnectionError)):
        call.put(shared["id"], label="x")

    assert changed(org, shared)


def test_bad_json_comes_after_the_work(call, sim, org, shared):
    sim.fault("bad-json")
    answer = call.put(shared["id"], label="x")

    assert answer.status_code == 200
    with pytest.raises(requests.JSONDecodeError):
        answer.json()
    assert changed(org, shared)


def test_done_before_answer_is_done_and_silent(call, sim, org, shared):
    sim.fault("done-before-answer")
    with pytest.raises(requests.ConnectionError):
        call.put(shared["id"], label="x")

    assert changed(org, shared)
    assert [(entry.status, entry.committed) for entry in sim.journal] == [(None, True)]
    assert call.get("me/").status_code == 200


def test_done_after_timeout_is_done_once_the_caller_has_hung_up(call, sim, org, shared):
    sim.fault("done-after-timeout")
    org.changed.clear()
    with pytest.raises(requests.ReadTimeout):
        call.put(shared["id"], timeout=0.05, label="x")

    assert org.changed.wait(5)
    assert changed(org, shared)


def test_done_after_timeout_is_done_after_the_delay_for_the_patient(call, sim, shared):
    sim.fault("done-after-timeout", delay=0.02)

    assert call.put(shared["id"], label="x").json()["label"] == "x"


def test_done_later_is_504_now_and_done_when_the_time_has_come(call, sim, org, shared):
    sim.fault("done-later")

    assert call.put(shared["id"], label="x").status_code == 504
    assert not changed(org, shared)
    assert [(entry.status, entry.committed) for entry in sim.journal] == [(504, False)]

    sim.do_later()
    assert changed(org, shared)
    assert [(entry.status, entry.committed) for entry in sim.journal] == [(504, True)]


def test_done_later_needs_nobody_to_do_it(call, sim, org, shared):
    org.changed.clear()
    sim.fault("done-later", delay=0.02)
    call.put(shared["id"], label="x")

    assert org.changed.wait(5)
    assert changed(org, shared)


def test_reset_forgets_what_was_put_off(call, sim, org, shared):
    sim.fault("done-later")
    call.put(shared["id"], label="x")
    sim.reset()
    sim.do_later()

    assert not changed(org, shared)


def test_slow_is_done_at_once(call, sim, org, shared):
    sim.fault("slow", delay=60)
    org.changed.clear()
    with pytest.raises(requests.ReadTimeout):
        call.put(shared["id"], timeout=0.05, label="x")

    assert org.changed.wait(5)
    assert changed(org, shared)


def test_saves_capitals_answers_something_else_than_was_sent(call, sim, org, shared):
    sim.fault("saves-capitals")

    assert call.put(shared["id"], label="Sales").json()["label"] == "SALES"
    assert org.numbers[shared["id"]]["label"] == "SALES"
    assert sim.puts() == [(shared["id"], {"label": "Sales"})]
    assert call.put(shared["id"], press_1_to_accept=True).status_code == 200


def first_of_both(call, shared):
    """Return a number from the list, and the one number."""
    return call.get("phone_number/").json()["data"][0], call.get(f"phone_number/{shared['id']}/").json()


def test_missing_keys_are_missing_everywhere(call, sim, shared):
    sim.fault("missing-keys")

    for number in first_of_both(call, shared):
        assert not set(number) & set(OPTIONAL_KEYS)
        assert {"id", "number", "label", "user_id"} <= set(number)
    assert "participants" not in call.put(shared["id"], label="x").json()


def test_no_user_id_is_the_future(call, sim, shared):
    sim.fault("no-user-id")

    for number in first_of_both(call, shared):
        assert not set(number) & {"user_id", "is_group_number"}


def test_null_label(call, sim, org, shared):
    sim.fault("null-label")

    assert [number["label"] for number in first_of_both(call, shared)] == [None, None]
    assert "label" not in call.get(f"phone_number/{shared['id']}/", _fields="id").json()
    assert not changed(org, shared)


def test_no_offset_dates(call, sim, shared):
    sim.fault("no-offset-dates")

    assert call.get(f"phone_number/{shared['id']}/").json()["date_updated"] + "+00:00" == shared["date_updated"]


def test_new_enum(call, sim, shared):
    sim.fault("new-enum")

    for number in first_of_both(call, shared):
        assert (number["type"], number["carrier_type"]) == ("satellite-desk", "universal")


def test_dangling_ids(call, sim, org, shared):
    sim.fault("dangling-ids")
    number = call.get(f"phone_number/{shared['id']}/").json()

    assert not set(number["participants"]) & set(org.users)
    assert not set(number["participant_groups"]) & set(org.groups)


def test_other_organisation_is_another_everywhere(call, sim, org, shared):
    sim.fault("other-organisation")
    (other,) = call.get("me/").json()["organizations"]

    assert other["id"] != org.id
    assert other["name"] != org.name
    assert {number["organization_id"] for number in first_of_both(call, shared)} == {other["id"]}
    assert call.get(f"organization/{other['id']}/").json()["id"] == other["id"]


def test_shuffled_pages_show_some_rows_twice_and_others_never(call, sim, org):
    sim.fault("shuffled-pages")
    seen = [number["id"] for skip in (0, 100, 200) for number in call.get("phone_number/", _skip=skip).json()["data"]]

    assert len(seen) == 240
    assert len(set(seen)) == 238
    assert set(seen) < set(org.numbers)


def test_a_fault_ends_after_so_many_times(call, sim):
    sim.fault("500", times=2)

    assert [call.get("me/").status_code for _ in range(4)] == [500, 500, 200, 200]


def test_a_fault_meets_only_what_it_is_meant_for(call, sim, shared):
    sim.fault("500", method="GET", path=f"phone_number/{shared['id']}/")

    assert call.get(f"phone_number/{shared['id']}/").status_code == 500
    assert call.get("phone_number/").status_code == 200
    assert call.put(shared["id"], label="x").status_code == 200


def test_a_rate_is_a_part_of_all_calls(call, sim):
    sim.fault("500", rate=0.5)
    statuses = [call.get("role/").status_code for _ in range(60)]

    assert 10 < statuses.count(500) < 50
    with pytest.raises(ValueError, match="between 0 and 1"):
        sim.fault("500", rate=7)


def test_faults_end_when_they_are_cleared(call, sim):
    sim.fault("500")
    sim.fault("no-answer")
    sim.clear_faults()

    assert call.get("me/").status_code == 200
    assert sim.faults() == []


def test_a_fault_of_writes_leaves_reads_alone(call, sim):
    for name in ("done-before-answer", "done-after-timeout", "done-later"):
        sim.fault(name)

    assert call.get("me/").status_code == 200
