"""When a draft is run: now, or at a time that is said in words."""

import pytest
import time_machine

from dashboard.models import Preference

from ..conftest import signed_in
from ..reading import text_of
from .confirmed import confirm, plan

__all__ = ["plan"]


class TestWhen:
    """The clock of the reader's zone: Berlin goes forward on 28 March 2027 at 2:00, back on 31 October at 3:00."""

    @pytest.fixture(autouse=True)
    def _berlin(self, ops):
        Preference.objects.create(user=ops, zone="Europe/Berlin")
        with time_machine.travel("2027-03-01T12:00:00Z"):
            yield

    def schedule(self, client, plan, day, clock, **fields):
        return confirm(client, plan, when="later", date=day, time=clock, **fields)

    def test_it_is_scheduled_in_the_readers_zone(self, ops, plan):
        response = self.schedule(signed_in(ops), plan, "2027-03-24", "12:00", drift="anyway")
        assert response.status_code == 303
        plan.refresh_from_db()
        assert (plan.run_at.isoformat(), plan.drift) == ("2027-03-24T11:00:00+00:00", "anyway")
        words = text_of(signed_in(ops).get(f"/plans/{plan.pk}/"))
        assert "Scheduled" in words
        assert "Runs on 24 Mar 2027, 12:00 CET" in words
        assert "Cancel all 4" in words

    def test_a_time_that_does_not_exist_is_said(self, ops, plan):
        response = self.schedule(signed_in(ops), plan, "2027-03-28", "02:30")
        assert response.status_code == 422
        assert "The clock skips 02:30 on that day. Choose 03:30 or another time." in text_of(response)

    @pytest.mark.parametrize(("fold", "utc"), [("0", "00:30"), ("1", "01:30")])
    def test_a_time_that_exists_twice_is_asked(self, ops, plan, fold, utc):
        response = self.schedule(signed_in(ops), plan, "2027-10-31", "02:30")
        assert response.status_code == 422
        assert "The clock shows 02:30 twice on that day. Choose which." in text_of(response)
        assert "02:30 CEST, before the clock goes back" in text_of(response)
        assert self.schedule(signed_in(ops), plan, "2027-10-31", "02:30", fold=fold).status_code == 303
        plan.refresh_from_db()
        assert plan.run_at.isoformat() == f"2027-10-31T{utc}:00+00:00"

    @pytest.mark.parametrize(
        ("day", "clock", "words"),
        [
            ("2027-02-01", "12:00", "That time has passed already."),
            ("", "12:00", "Choose the day and the time."),
            ("2027-02-30", "12:00", "This is no day."),
            ("0001-01-01", "00:00", "This day is out of reach."),
            ("2027-04-01", "25:00", "Type a time such as 17:30."),
        ],
    )
    def test_a_time_that_cannot_be(self, ops, plan, day, clock, words):
        response = self.schedule(signed_in(ops), plan, day, clock)
        assert response.status_code == 422
        assert words in text_of(response)
