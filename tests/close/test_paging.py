"""Long lists, read while other people change them."""

import threading

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from responses import matchers

from dashboard import close as api
from dashboard.close import InvalidRequestError, ListMovedError, ServerError
from tests.close.conftest import BASE


class FakeClose:
    """A list of numbers that answers as Close does, and changes between its answers as a test says.

    ``changes`` has, by the count of requests answered before, functions that change ``rows``. ``asked`` has the
    parameters of each request.
    """

    def __init__(self, count, changes=None, most=100):
        self.rows = [f"phon_{index}" for index in range(count)]
        self.changes, self.most = changes or {}, most
        self.asked, self.lock = [], threading.Lock()

    def get(self, path, params):
        assert path == "phone_number/"
        with self.lock:
            for change in self.changes.get(len(self.asked), []):
                change(self.rows)
            self.asked.append(params)
            skip, size = params.get("_skip", 0), min(params["_limit"], self.most)
            data = [{"id": row, "number": "+14155550142"} for row in self.rows[skip : skip + size]]
            return {"data": data, "has_more": skip + size < len(self.rows)}


def walk(close, **how):
    return [record.id for page in api.phone_number_pages(close, **how) for record in page.records]


@pytest.mark.parametrize("connections", [1, 4])
@pytest.mark.parametrize("count", [0, 1, 2, 99, 100, 101, 199, 200, 1000])
def test_all_numbers_are_seen_once_and_in_order(count, connections):
    close = FakeClose(count)
    assert walk(close, connections=connections) == close.rows


@pytest.mark.parametrize(("count", "requests"), [(100, 1), (199, 2), (10_000, 101)])
def test_the_overlap_costs_one_request_in_a_hundred(count, requests):
    close = FakeClose(count)
    walk(close, connections=1)
    assert len(close.asked) == requests


def test_pages_begin_with_the_last_row_of_the_page_before():
    close = FakeClose(250)
    walk(close, connections=1)
    assert close.asked == [{"_limit": 100}, {"_limit": 100, "_skip": 99}, {"_limit": 100, "_skip": 198}]


def test_reading_ahead_asks_for_few_pages_too_many():
    close = FakeClose(1000)
    walk(close, connections=4)
    assert len(close.asked) <= 11 + 3


def test_an_organisation_with_one_page_is_asked_once():
    close = FakeClose(100)
    walk(close, connections=4)
    assert len(close.asked) == 1


def delete(*positions):
    return [lambda rows, at=at: rows.pop(at) for at in positions]


def insert(*positions):
    return [lambda rows, at=at: rows.insert(at, f"phon_new_{at}") for at in positions]


@pytest.mark.parametrize("connections", [1, 4])
@pytest.mark.parametrize(
    "change",
    [
        delete(0),
        delete(99),
        delete(50, 50, 50),
        delete(*[0] * 60),
        delete(*[40] * 60),
        delete(*[0] * 95),
        insert(0),
        insert(*[0] * 30),
        delete(3) + insert(700),
        insert(3) + delete(150),
        delete(990),
    ],
    ids=len,
)
@pytest.mark.parametrize("when", [1, 2, 5])
def test_no_number_that_was_there_all_the_time_is_passed_over(change, when, connections):
    close = FakeClose(1000, {when: change})
    before = set(close.rows)
    seen = walk(close, connections=connections)
    assert before & set(close.rows) <= set(seen)


def move(start, end):
    return [lambda rows: rows.insert(end, rows.pop(start))]


@pytest.mark.parametrize("connections", [1, 4])
@pytest.mark.parametrize(("start", "end"), [(700, 0), (700, 50), (999, 120), (0, 700), (150, 999)])
def test_no_number_is_passed_over_because_it_moved(start, end, connections):
    close = FakeClose(1000, {3: move(start, end)})
    assert set(walk(close, connections=connections)) == set(close.rows)


@pytest.mark.parametrize("connections", [1, 4])
def test_a_list_that_changed_is_read_again_from_the_top(connections):
    close = FakeClose(450, {3: insert(0)})
    pages = list(api.phone_number_pages(close, connections=connections))
    assert [(page.lap, page.skip) for page in pages] == [(lap, skip) for lap in (1, 2) for skip in range(0, 451, 99)]
    assert [record.id for page in pages if page.lap == 2 for record in page.records] == close.rows


@pytest.mark.parametrize("connections", [1, 4])
def test_a_list_that_never_rests_is_read_to_its_end_and_then_an_error(connections):
    close = FakeClose(450, {when: move(449, 0) for when in range(1, 100)})
    told = []
    with pytest.raises(ListMovedError) as caught:
        list(api.phone_numbers(close, concurrency=connections, on_page=told.append))
    assert {page.lap for page in told} == {1, 2, 3}
    assert len({record.id for page in told for record in page.records}) > 440
    assert "nothing counts as gone" in caught.value.screen


@settings(deadline=None, max_examples=200)
@given(
    count=st.integers(0, 120),
    page_size=st.integers(6, 12),
    connections=st.sampled_from([1, 1, 3]),
    changes=st.dictionaries(
        st.integers(1, 40),
        st.tuples(st.sampled_from(["delete", "insert", "up", "down"]), st.integers(0, 119)),
        max_size=8,
    ),
)
def test_a_walk_sees_everything_or_says_that_it_did_not(count, page_size, connections, changes):
    """One change between two answers: two that cancel each other out are beyond what can be seen."""
    new = iter(range(10_000))

    def changing(what, at):
        def change(rows):
            if what == "insert":
                rows.insert(min(at, len(rows)), f"phon_new_{next(new)}")
            elif rows and what == "delete":
                rows.pop(at % len(rows))
            elif rows:
                rows.insert(0 if what == "up" else len(rows), rows.pop(at % len(rows)))

        return change

    close = FakeClose(count, {when: [changing(*one)] for when, one in changes.items()})
    before = set(close.rows)
    try:
        seen = walk(close, page_size=page_size, connections=connections)
    except ListMovedError:
        return
    assert before & set(close.rows) <= set(seen)


@pytest.mark.parametrize("connections", [1, 4])
def test_smaller_pages_than_asked_for_leave_no_gaps(connections):
    close = FakeClose(500, most=30)
    assert walk(close, connections=connections) == close.rows


@pytest.mark.parametrize("rows", [[], [{"id": "phon_0", "number": "+14155550142"}]])
def test_a_list_without_an_end_is_an_error(rows):
    class Endless:
        def get(self, path, params):
            return {"data": rows, "has_more": True}

    with pytest.raises(ServerError, match="no new rows"):
        walk(Endless(), connections=1)


def test_a_server_that_ignores_positions_is_an_error():
    class SamePage:
        def get(self, path, params):
            return {"data": [{"id": f"phon_{i}", "number": "+1"} for i in range(100)], "has_more": True}

    with pytest.raises(ServerError, match="no new rows"):
        walk(SamePage(), connections=4)


@pytest.mark.parametrize(
    "body",
    [{}, {"data": []}, {"has_more": False}, {"data": {}, "has_more": False}, {"data": [], "has_more": None}],
    ids=str,
)
def test_a_list_that_does_not_say_whether_it_goes_on_is_an_error(client, close, body):
    close.get(f"{BASE}/phone_number/", json=body)
    with pytest.raises(ServerError, match="'data' or 'has_more'"):
        list(api.phone_numbers(client))


@pytest.mark.parametrize("connections", [1, 4])
def test_each_page_knows_what_was_drawn_before_it_was_asked_for(connections):
    drawn, lock = [], threading.Lock()

    def begin():
        with lock:
            drawn.append(len(close.asked))
            return len(drawn)

    close = FakeClose(450)
    pages = list(api.phone_number_pages(close, connections=connections, begin=begin))
    assert [page.skip for page in pages] == [0, 99, 198, 297, 396]
    assert len({page.began for page in pages}) == 5
    assert all(answered < number for number, answered in enumerate(drawn, start=1))


@pytest.mark.parametrize("connections", [1, 4])
def test_what_begins_a_read_is_called_in_the_thread_of_the_caller(connections):
    threads = set()

    def begin():
        threads.add(threading.current_thread())

    list(api.phone_number_pages(FakeClose(450), connections=connections, begin=begin))
    assert threads == {threading.current_thread()}


def test_one_connection_needs_no_other_thread():
    class Here(FakeClose):
        def get(self, path, params):
            threads.add(threading.current_thread())
            return super().get(path, params)

    threads = set()
    list(api.phone_number_pages(Here(450), connections=1))
    assert threads == {threading.current_thread()}


def test_only_so_many_pages_are_read_at_a_time():
    class Counting(FakeClose):
        here, most_here = 0, 0

        def get(self, path, params):
            with self.lock:
                self.here += 1
                self.most_here = max(self.most_here, self.here)
            answer = super().get(path, params)
            with self.lock:
                self.here -= 1
            return answer

    close = Counting(2000)
    walk(close, connections=3)
    assert 1 <= close.most_here <= 3


def test_a_caller_who_stops_ends_the_reading_ahead():
    close = FakeClose(10_000)
    pages = api.phone_number_pages(close, connections=4)
    next(pages)
    next(pages)
    pages.close()
    assert len(close.asked) <= 6
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("close")]


def test_an_error_ends_the_walk_after_the_pages_before_it():
    class Ceiling(FakeClose):
        def get(self, path, params):
            if params.get("_skip", 0) > 200:
                raise InvalidRequestError({}, ["max_skip = 200"])
            return super().get(path, params)

    pages = api.phone_number_pages(Ceiling(1000), connections=4)
    assert [next(pages).skip for _ in range(3)] == [0, 99, 198]
    with pytest.raises(InvalidRequestError):
        next(pages)


def test_a_number_without_an_id_is_named(client, close):
    close.get(f"{BASE}/phone_number/", json={"data": [{"number": "+14155550142"}], "has_more": False})
    with pytest.raises(ServerError, match="a phone number in Close's answer has no 'id'"):
        list(api.phone_numbers(client))


def test_named_fields_are_asked_for_with_those_that_are_needed(client, close, number):
    query = {"_limit": "100", "_fields": "id,number,label"}
    match = [matchers.query_param_matcher(query)]
    close.get(f"{BASE}/phone_number/", json={"data": [number], "has_more": False}, match=match)
    told = []
    records = list(api.phone_numbers(client, fields=["label", "id"], on_page=told.append))
    assert [record.label for record in records] == ["UK sales line"]
    assert [page.records for page in told] == [records]


def test_users_are_paged_and_groups_and_roles_are_asked_without_paging(client, close):
    def listed(path, query, rows, has_more):
        match = [matchers.query_param_matcher(query)]
        close.get(f"{BASE}/{path}/", json={"data": rows, "has_more": has_more}, match=match)

    listed("user", {"_limit": "100"}, [{"id": "user_a"}, {"id": "user_b"}], True)
    listed("user", {"_limit": "100", "_skip": "1"}, [{"id": "user_b"}, {"id": "user_c"}], False)
    listed("group", {}, [{"id": "group_a", "name": "EMEA"}], False)
    listed("role", {}, [{"id": "admin", "name": "Admin", "permissions": ["calling"]}], False)
    assert [user.id for user in api.users(client)] == ["user_a", "user_b", "user_c"]
    assert [(group.name, group.says("members")) for group in api.groups(client)] == [("EMEA", False)]
    assert [role.permissions for role in api.roles(client)] == [{"calling"}]
