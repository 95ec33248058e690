"""Whatever Close does to the read and to the write: one outcome, one PUT, a true cache, and words that fit."""

import re
from datetime import timedelta

import pytest
import time_machine
from django.utils import timezone

from dashboard.models import Change, Outcome, Plan
from dashboard.services import plans

from .conftest import beside, cached, columns, eventually

# A fault at every read of the number: state, kind of error, and what the sentence says.
UNREACHABLE = "Close was unreachable, so nothing was saved."
AT_THE_READ = {
    "400": ("failed", "invalid", "Close did not accept this."),
    "401": ("failed", "refused_key", "Close refused the key"),
    "402": ("failed", "plan_limit", "Close says: “Your plan does not include this.”"),
    "403": ("failed", "forbidden", "Close says: “You don't have permission to do this.”"),
    "404": ("failed", "not_found", "This is no longer in Close."),
    "500": ("failed", "away", UNREACHABLE),
    "502": ("failed", "away", UNREACHABLE),
    "503": ("failed", "away", UNREACHABLE),
    "504": ("failed", "away", UNREACHABLE),
    "html-error": ("failed", "away", UNREACHABLE),
    "half-answer": ("failed", "away", UNREACHABLE),
    "no-answer": ("failed", "away", UNREACHABLE),
    "slow": ("failed", "away", UNREACHABLE),
    "bad-json": ("failed", "away", UNREACHABLE),
    "other-organisation": ("failed", "other_organisation", "orga_AnotherOrganisation"),
    "no-user-id": ("applied", "", ""),
    "missing-keys": ("applied", "", ""),
    "no-offset-dates": ("applied", "", ""),
    "new-enum": ("applied", "", ""),
    "dangling-ids": ("applied", "", ""),
}
# A fault at the write: at once, after a minute, was it done.
REFUSED = {
    "400": ("refused", "invalid", "label: This label cannot be used right now."),
    "401": ("refused", "refused_key", "Close refused the key, or the key's owner may not change this."),
    "402": ("refused", "plan_limit", "Your plan does not include this."),
    "403": ("refused", "forbidden", "Close does not allow the account that closephones uses to change this."),
    "404": ("failed", "not_found", "This is no longer in Close."),
}
NOT_DONE = ("500", "502", "503", "504", "html-error", "no-answer")
DONE = ("half-answer", "bad-json", "done-before-answer", "slow")
AS_USUAL = ("missing-keys", "no-user-id", "no-offset-dates", "new-enum", "dangling-ids")


def in_two_minutes():
    return time_machine.travel(timezone.now() + timedelta(minutes=2))


@pytest.fixture(autouse=True)
def _hasty(hasty):
    """These tests wait for answers that do not come."""


@pytest.fixture
def check(synced, number, in_close):
    """What holds whatever happened: one change with one outcome, no secret, at most one write, a true cache."""

    def hold(change, *, label, puts=1, committed=None):
        change = Change.objects.get(pk=change.pk)
        assert Change.objects.exclude(state=Outcome.OBSERVED).count() == 1
        assert change.is_final
        assert change.plan.state == Plan.State.DONE
        assert "api_demo" not in change.error
        assert "YXBpX2RlbW86" not in change.error
        assert synced.puts() == [(number.close_id, {"label": "Nights"})] * puts
        assert len(synced.puts(committed=True)) == (label == "Nights")
        assert in_close(number)["label"] == label
        assert cached(number) == in_close(number)
        assert columns(number)["label"] == label

    return hold


@pytest.mark.parametrize("fault", AT_THE_READ)
def test_the_read_goes_wrong(synced, number, edit, check, fault):
    state, kind, words = AT_THE_READ[fault]
    synced.fault(fault, method="GET", path=f"/phone_number/{number.close_id}/")

    change = edit(number, label="Nights")

    assert (change.state, change.error_kind) == (state, kind)
    assert words in change.error
    done = state == "applied"
    check(change, label="Nights" if done else number.label, puts=int(done))


@pytest.mark.parametrize("fault", ["500", "no-answer", "html-error", "bad-json", "429", "429-html"])
def test_a_read_that_fails_once_is_read_again(synced, number, edit, check, fault):
    synced.fault(fault, method="GET", times=1, delay=0.01)

    change = edit(number, label="Nights")

    assert change.state == "applied"
    check(change, label="Nights")


@pytest.mark.parametrize("fault", REFUSED)
def test_close_says_no_to_the_write(synced, number, edit, check, fault):
    state, kind, words = REFUSED[fault]
    synced.fault(fault, method="PUT")

    change = edit(number, label="Nights")

    assert (change.state, change.error_kind) == (state, kind)
    assert change.error.startswith(words)
    assert ("Manage Team Phone Numbers" in change.error) is change.refused_in_our_words
    check(change, label=number.label)


@pytest.mark.parametrize("fault", NOT_DONE)
def test_nobody_knows_until_a_minute_has_passed(synced, number, edit, check, fault):
    synced.fault(fault, method="PUT")

    change = edit(number, label="Nights")

    assert (change.state, change.error_kind) == ("unknown", "away")
    assert "not known yet" in change.error
    plans.sweep()
    assert Change.objects.get(pk=change.pk).state == "unknown"
    with in_two_minutes():
        plans.sweep()
        plans.sweep()
    change = Change.objects.get(pk=change.pk)
    assert (change.state, change.error_kind) == ("failed", "away")
    assert "still holds what was there before" in change.error
    check(change, label=number.label)


@pytest.mark.parametrize("fault", DONE)
def test_it_was_done_though_the_answer_is_of_no_use(synced, number, edit, check, fault):
    synced.fault(fault, method="PUT")

    change = edit(number, label="Nights")

    assert (change.state, change.error_kind, change.error) == ("applied", "", "")
    assert change.answer == {"label": "Nights"}
    check(change, label="Nights")


def test_it_was_done_after_we_had_given_up(synced, number, edit, check):
    synced.fault("done-after-timeout", method="PUT")

    change = edit(number, label="Nights")
    eventually(lambda: synced.puts(committed=True))
    plans.sweep()

    check(change, label="Nights")
    assert Change.objects.get(pk=change.pk).state == "applied"


def test_it_was_done_half_a_minute_later(synced, number, edit, check):
    synced.fault("done-later", method="PUT")

    change = edit(number, label="Nights")
    assert change.state == "unknown"
    synced.do_later()
    plans.sweep()

    check(change, label="Nights")
    assert Change.objects.get(pk=change.pk).state == "applied"


@pytest.mark.parametrize("fault", AS_USUAL)
def test_an_odd_answer_to_the_write_is_an_answer(synced, number, edit, fault, in_close):
    synced.fault(fault, method="PUT")

    change = edit(number, label="Nights")

    assert change.state == "applied"
    assert in_close(number)["label"] == columns(number)["label"] == "Nights"
    assert len(synced.puts()) == 1


def test_what_close_made_of_it_is_shown(synced, number, edit, in_close):
    synced.fault("saves-capitals")

    change = edit(number, label="Nights")

    assert change.state == "applied"
    assert change.differs() == {"label": "NIGHTS"}
    assert columns(number)["label"] == in_close(number)["label"] == "NIGHTS"


@pytest.mark.parametrize("fault", ["429", "429-html", "retry-after-decimal"])
def test_a_write_that_has_to_wait_a_moment_waits(synced, number, edit, check, fault):
    """A 429 did not happen: the number is read again, and then the write goes out once more."""
    synced.fault(fault, method="PUT", times=1, delay=0.01)

    change = edit(number, label="Nights")

    assert change.state == "applied"
    check(change, label="Nights", puts=2)
    assert [entry.method for entry in synced.journal] == ["GET", "PUT", "GET", "PUT"]


def test_the_wait_is_a_chance_for_somebody_else(synced, number, edit, in_close):
    """After a 429 the number is read again, so what was changed in Close meanwhile is not overwritten."""
    synced.fault("429", method="PUT", times=1, delay=0.01)
    synced.hold("PUT")
    with beside(edit, number, label="Nights") as saving:
        synced.wait_until_held()
        synced.change_as_somebody_else(number.close_id, label="Theirs")
        synced.release()

    assert saving.result().state == "conflict"
    assert saving.result().found == {"label": "Theirs"}
    assert in_close(number)["label"] == "Theirs"


def test_a_write_that_has_to_wait_long_is_given_up(synced, number, edit, check):
    synced.fault("429", method="PUT", delay=60)

    change = edit(number, label="Nights")

    assert (change.state, change.error_kind) == ("failed", "rate_limited")
    # A slow machine has let some of the minute go by.
    assert re.search(r"Try again in [56]\d seconds", change.error)
    check(change, label=number.label)


def test_a_read_that_has_to_wait_long_is_given_up(synced, number, edit, check):
    synced.fault("429", method="GET", delay=60)

    change = edit(number, label="Nights")

    assert (change.state, change.error_kind) == ("failed", "rate_limited")
    check(change, label=number.label, puts=0)


def test_a_write_that_is_told_to_wait_each_time_ends(synced, number, edit, check):
    synced.fault("429", method="PUT", delay=0.01)

    change = edit(number, label="Nights")

    assert (change.state, change.error_kind) == ("failed", "rate_limited")
    check(change, label=number.label, puts=3)


def test_close_down_altogether(synced, number, edit):
    synced.stop()

    change = edit(number, label="Nights")

    assert (change.state, change.error_kind) == ("failed", "away")
    assert change.error.startswith(UNREACHABLE)
