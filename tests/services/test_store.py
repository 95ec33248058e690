"""The cache: whole answers, newer over older and never the other way, and a history of what was made in Close."""

import pytest

from dashboard.close import PhoneNumberRecord
from dashboard.models import Answer, Change, Group, Member, Outcome, PhoneNumber, Plan, Source
from dashboard.services import store, sync

from .conftest import beside, cached, columns, eventually

NOBODY, NO_GROUP = "user_NobodyKnowsThisPerson", "group_NobodyKnowsThis"


@pytest.fixture
def keep(number):
    """Stores an answer for the number, which says this in place of what Close says: `keep(read_no, label="x")`."""
    first = dict(number.raw)

    def answer(read_no, *, without=(), **facts):
        raw = {key: value for key, value in {**first, **facts}.items() if key not in without}
        store.store([PhoneNumberRecord.parse(raw)], read_no=read_no)
        return raw

    return answer


def seen_in_close():
    return [(change.before, change.after) for change in Change.objects.filter(state=Outcome.OBSERVED).order_by("pk")]


def fresh(number):
    return PhoneNumber.objects.get(pk=number.pk)


# --- order --------------------------------------------------------------------------------------


def test_the_counter_only_grows_for_all_threads(synced):
    with beside(lambda: [store.draw() for _ in range(20)]) as other:
        mine = [store.draw() for _ in range(20)]
    assert len({*mine, *other.result()}) == 40
    assert mine == sorted(mine)


def test_an_older_answer_never_replaces_a_newer_one(number, keep):
    older, newer = store.draw(), store.draw()
    raw = keep(newer, label="Newer")
    keep(older, label="Older")

    assert cached(number) == raw
    assert columns(number)["label"] == "Newer"
    assert "newer" in fresh(number).search_text
    assert seen_in_close() == [({"label": number.label}, {"label": "Newer"})]


def test_an_old_answer_that_says_the_same_takes_nothing_back(number, keep):
    """An answer from before a number was gone does not bring it back."""
    older, newer = store.draw(), store.draw()
    store.mark_missing([number], read_no=newer)
    keep(older)
    keep(older, label="Older")

    assert fresh(number).missing_since
    assert columns(number)["label"] == number.label


def test_a_404_from_before_does_not_end_a_number_that_was_seen_since(number, keep):
    older, newer = store.draw(), store.draw()
    keep(newer, label="Here")

    assert store.mark_missing([number], read_no=older) == 0
    assert fresh(number).missing_since is None


def test_a_page_that_was_read_before_a_write_and_stored_after_it_changes_nothing(synced, number, edit, in_close):
    older = store.draw()
    page = [PhoneNumberRecord.parse(raw) for raw in synced.organisation.numbers.values()]

    edit(number, label="Mine")
    store.store(page, read_no=older)

    assert columns(number)["label"] == "Mine"
    assert cached(number) == in_close(number)
    assert seen_in_close() == []


def test_a_slow_walk_that_is_overtaken_by_a_write(synced, number, edit, in_close):
    """The page is read, then held on its way; meanwhile somebody saves."""
    synced.fault("slow", method="GET", path="/phone_number/", delay=0.5, times=1)
    with beside(sync.sync) as walking:
        eventually(lambda: any(entry.path == "/phone_number/" for entry in synced.journal))
        assert edit(number, label="Mine").state == "applied"
    walking.result()

    assert columns(number)["label"] == "Mine"
    assert cached(number) == in_close(number)
    assert seen_in_close() == []


# --- what was made in Close ---------------------------------------------------------------------


def test_what_differs_is_recorded_once_with_the_time_between(number, keep):
    keep(store.draw(), label="Theirs", forward_to_enabled=False)
    keep(store.draw(), label="Theirs", forward_to_enabled=False)

    change = Change.objects.get()
    assert change.before == {"forward_to_enabled": True, "label": number.label}
    assert change.after == {"forward_to_enabled": False, "label": "Theirs"}
    assert (change.plan.source, change.plan.author_name, change.plan.state) == (Source.CLOSE, "", Plan.State.DONE)
    assert change.observed_after == number.fetched_at
    assert change.created_at > change.observed_after


@pytest.mark.parametrize(
    "derived", [{"date_updated": "2026-11-24T10:00:00+00:00"}, {"last_billed_price": 9.9}, {"number_formatted": "x"}]
)
def test_what_is_derived_or_billing_is_stored_and_no_change(number, keep, derived):
    raw = keep(store.draw(), **derived)
    assert cached(number) == raw
    assert seen_in_close() == []


@pytest.mark.parametrize("raw", [{"label": None}, {"label": ""}])
def test_null_and_empty_are_the_same(number, keep, raw):
    keep(store.draw(), label="")
    seen = seen_in_close()
    keep(store.draw(), **raw)
    assert seen_in_close() == seen


def test_a_change_shows_though_an_answer_in_between_left_the_field_out(number, keep):
    was = number.raw["label"]
    raw = keep(store.draw(), without=("label", "sms_enabled"))
    assert (cached(number), seen_in_close()) == (raw, [])
    keep(store.draw(), without=("label",))
    keep(store.draw(), label="Theirs")
    assert seen_in_close() == [({"label": was}, {"label": "Theirs"})]


def test_the_order_of_members_is_no_change(synced, keep, number):
    people = [row["user_id"] for row in synced.organisation.memberships[:3]]
    keep(store.draw(), participants=people, user_id=None)
    count = len(seen_in_close())
    keep(store.draw(), participants=people[::-1], user_id=None)
    assert len(seen_in_close()) == count


def test_a_field_that_close_leaves_out_stays_as_it_was(number, keep):
    keys = (
        "participants",
        "user_id",
        "participant_groups",
        "forward_to",
        "forward_to_enabled",
        "inbound_ring_duration",
    )
    before, people = columns(number), number.people
    raw = keep(store.draw(), without=keys)

    assert cached(number) == raw
    assert columns(number) == before
    assert fresh(number).people == people
    assert seen_in_close() == []


def test_keys_nobody_knows_are_kept(number, keep):
    assert cached(number) | {"new": 1} == keep(store.draw(), new=1)
    assert cached(number)["new"] == 1


def test_the_same_number_twice_on_a_page(number):
    raw = dict(number.raw)
    records = [PhoneNumberRecord.parse(raw | {"label": label}) for label in ("One", "Two")]
    store.store(records, read_no=store.draw())
    assert columns(number)["label"] == "Two"


@pytest.mark.parametrize(
    "label",
    [
        '"><img src=x onerror=alert(1)>',
        "'; DROP TABLE dashboard_phonenumber; --",
        "שירות לקוחות",
        "☎️ Hotline 🔥",
        "   two  blanks ",
        "x" * 10_000,
        "{{ number }} %s %(x)s \\",
    ],
)
def test_odd_labels_are_kept_letter_by_letter_and_found(number, keep, label):
    raw = keep(store.draw(), label=label)
    assert cached(number) == raw
    assert fresh(number).label == label
    assert number in PhoneNumber.objects.search(label[:60])


def test_members_and_groups_that_nobody_has_heard_of_get_a_place(number, keep):
    keep(store.draw(), participants=[NOBODY], user_id=None, participant_groups=[NO_GROUP])

    row = fresh(number)
    assert row.people == [[NOBODY, "Unknown person", False]]
    assert row.team_names == ["Unknown group"]
    assert Member.objects.get(close_id=NOBODY).active is False
    assert Group.objects.get(close_id=NO_GROUP).gone is True


# --- gone and back ------------------------------------------------------------------------------


def test_a_number_that_is_gone_and_comes_back(synced, number):
    synced.hide(number.close_id)
    with pytest.raises(Exception, match="404"):
        sync.refresh_number(number=number)
    assert fresh(number).missing_since
    assert number not in PhoneNumber.objects.here()

    synced.show(number.close_id)
    sync.sync()

    assert fresh(number).missing_since is None
    assert seen_in_close() == [
        ({"released": False}, {"released": True}),
        ({"released": True}, {"released": False}),
    ]


def test_it_comes_back_with_another_label(synced, number):
    synced.hide(number.close_id)
    with pytest.raises(Exception, match="404"):
        sync.refresh_number(number=number)
    synced.show(number.close_id)
    synced.change_as_somebody_else(number.close_id, label="Back")
    sync.sync()

    assert seen_in_close()[1:] == [
        ({"released": True}, {"released": False}),
        ({"label": number.label}, {"label": "Back"}),
    ]


def test_what_is_not_there_twice_is_gone_once(number):
    assert store.mark_missing([number], read_no=store.draw()) == 1
    assert store.mark_missing([number], read_no=store.draw()) == 0
    assert Change.objects.count() == 1


def test_a_new_number_is_new_and_no_change(synced, number):
    raw = dict(number.raw) | {"id": "phon_new", "number": "+16285550123", "label": "New"}
    stored = store.store([PhoneNumberRecord.parse(raw)], read_no=store.draw())

    assert stored.new == 1
    assert Answer.objects.get(number__close_id="phon_new").raw == raw
    assert PhoneNumber.objects.search("628555 0123").get().label == "New"
    assert seen_in_close() == []
