"""When a request may leave: pauses after a 429, and the share of the limit that is for people."""

import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard import close as api
from dashboard.close import Client, GroupState, LocalPacer, RateLimit, RateLimitError
from dashboard.close.pacing import answered, group_of, parse_rate_limit, pause_after, paused, sent, wait_needed
from tests.close.conftest import BASE, KEY

NOW = 1_790_000_000.0


@pytest.mark.parametrize(
    ("method", "path", "group"),
    [
        ("PUT", "phone_number/phon_a/", "PUT phone_number"),
        ("get", "/phone_number/", "GET phone_number"),
        ("GET", "me/", "GET me"),
    ],
)
def test_a_group_is_the_method_and_the_first_part_of_the_path(method, path, group):
    assert group_of(method, path) == group


@pytest.mark.parametrize(
    ("headers", "body", "said"),
    [
        ({"RateLimit": "limit=100, remaining=50, reset=5"}, None, RateLimit(100, 50, 5.0)),
        ({"ratelimit": "limit=20, remaining=0, reset=0.4"}, None, RateLimit(20, 0, 0.4)),
        ({"RateLimit": "reset=5;limit=100.0"}, None, RateLimit(100, None, 5.0)),
        ({"RateLimit": "reset=0", "Retry-After": "1"}, None, RateLimit(None, None, 1.0)),
        ({"RateLimit": "limit=1, remaining=0, reset=0"}, None, RateLimit(1, 0, 0.0)),
        ({"RateLimit": "limit=9, remaining=1, reset=4", "Retry-After": "5"}, None, RateLimit(9, 1, 4.0)),
        ({"Retry-After": "1.5"}, None, RateLimit(None, None, 1.5)),
        ({"Retry-After": "Mon, 21 Sep 2026 14:13:30 GMT"}, None, RateLimit(None, None, 10.0)),
        ({"Retry-After": "Mon, 21 Sep 2026 14:00:00 GMT"}, None, RateLimit(None, None, 0.0)),
        ({"Retry-After": "Mon, 21 Sep 2026 14:13:30 -0000"}, None, RateLimit(None, None, 10.0)),
        ({"RateLimit-Reset": "7"}, None, RateLimit(None, None, 7.0)),
        (
            {"X-Rate-Limit-Limit": "40", "X-Rate-Limit-Remaining": "3", "X-Rate-Limit-Reset": "2.5"},
            None,
            RateLimit(40, 3, 2.5),
        ),
        ({}, {"rate_reset": "1.2"}, RateLimit(None, None, 1.2)),
        ({}, {"rate_reset": 3}, RateLimit(None, None, 3.0)),
        ({}, {"error": {"rate_reset": 4, "rate_limit": 9}}, RateLimit(None, None, 4.0)),
        ({"Retry-After": "99999999"}, None, RateLimit(None, None, 3600.0)),
        ({}, None, None),
        ({}, {"error": "no"}, None),
        ({}, {"rate_reset": True}, None),
        ({}, {"rate_reset": None}, None),
        ({"RateLimit": "nonsense", "Retry-After": "soon"}, "<html>", None),
        ({"RateLimit": "limit=., reset=1.2.3", "Retry-After": "nan"}, None, None),
        ({"Retry-After": "-3"}, None, None),
        ({"Retry-After": "inf"}, None, None),
    ],
)
def test_every_way_to_announce_a_limit_is_read(headers, body, said):
    assert parse_rate_limit(headers, body, now=NOW) == said


header = st.text(max_size=30) | st.from_regex(r"limit=.{0,5}, remaining=.{0,5}, reset=.{0,5}", fullmatch=True)


@given(
    st.dictionaries(st.sampled_from(["RateLimit", "Retry-After", "RateLimit-Reset", "X-Rate-Limit-Limit"]), header)
)
def test_no_header_makes_a_wait_that_is_negative_or_endless(headers):
    assert 0 <= pause_after(parse_rate_limit(headers, now=NOW)) <= 3601


@pytest.mark.parametrize(
    ("limit", "seconds"), [(None, 2.05), (RateLimit(9, 0, None), 2.05), (RateLimit(None, None, 0.4), 0.45)]
)
def test_a_429_that_does_not_say_how_long_pauses_for_two_seconds(limit, seconds):
    assert pause_after(limit) == pytest.approx(seconds)


@pytest.mark.parametrize(
    ("state", "people", "background"),
    [
        (GroupState(), 0, 0),
        (GroupState(paused_until=105.0), 5, 5),
        (GroupState(paused_until=99.0), 0, 0),
        (GroupState(limit=20, remaining=5, resets_at=103.0), 0, 0),
        (GroupState(limit=20, remaining=4, resets_at=103.0), 0, 3),
        (GroupState(limit=20, remaining=0, resets_at=103.0), 0, 3),
        (GroupState(limit=20, remaining=6, resets_at=103.0, in_flight=2), 0, 0.02),
        (GroupState(limit=20, remaining=0, resets_at=99.0), 0, 0),
        (GroupState(limit=20, remaining=0, resets_at=99.0, in_flight=16), 0, 0.02),
        (GroupState(limit=1, remaining=0, resets_at=99.0, in_flight=1), 0, 0.02),
        (GroupState(limit=1, remaining=0, resets_at=99.0), 0, 0),
        (GroupState(paused_until=105.0, limit=20, remaining=0, resets_at=103.0), 5, 5),
    ],
)
def test_who_has_to_wait_how_long(state, people, background):
    assert wait_needed(state, 100.0, False) == pytest.approx(people)
    assert wait_needed(state, 100.0, True) == pytest.approx(background)


def test_a_state_counts_what_is_under_way_and_keeps_the_longer_pause():
    state = answered(sent(sent(GroupState())), RateLimit(20, 19, 1.0), 100.0)
    assert state == GroupState(limit=20, remaining=19, resets_at=101.0, in_flight=1)
    assert answered(answered(state, None, 100.0), None, 100.0).in_flight == 0
    assert answered(state, RateLimit(20, 3, None), 100.0).resets_at == 101.0
    assert paused(paused(state, 9.0, 100.0), 2.0, 101.0).paused_until == 109.0


def test_an_answer_that_comes_late_raises_nothing_before_the_reset():
    state = answered(GroupState(in_flight=3), RateLimit(20, 4, 1.0), 100.0)
    late = answered(state, RateLimit(20, 9, 0.8), 100.1)
    assert (late.remaining, late.resets_at) == (4, 101.0)
    other = answered(late, RateLimit(100, 90, 5.0), 100.2)
    assert (other.limit, other.remaining, other.resets_at) == (100, 90, 105.2)
    assert answered(late, RateLimit(20, 19, 1.0), 101.0).remaining == 19


def test_people_wait_out_a_short_pause_and_are_refused_a_long_one(clock):
    pacer = LocalPacer(max_wait=5.0, clock=clock, sleep=clock.sleep)
    pacer.pause("PUT phone_number", 4.0)
    pacer.before("PUT phone_number", background=False)
    assert clock.sleeps == [4.0]
    pacer.pause("PUT phone_number", 6.0)
    with pytest.raises(RateLimitError) as caught:
        pacer.before("PUT phone_number", background=False)
    assert (caught.value.reset, caught.value.sent) == (6.0, False)
    pacer.before("GET phone_number", background=False)
    assert clock.sleeps == [4.0]


class Window:
    """A fixed-window limit as Close announces it; a request takes no time."""

    def __init__(self, clock, limit, length):
        self.clock, self.limit, self.length = clock, limit, length
        self.ends, self.left, self.most = clock.now, limit, []

    def __call__(self, request):
        if self.clock.now >= self.ends:
            self.ends, self.left = self.clock.now + self.length, self.limit
            self.most.append(0)
        if not self.left:
            return 429, {"Retry-After": "1"}, ""
        self.left -= 1
        self.most[-1] += 1
        said = f"limit={self.limit}, remaining={self.left}, reset={self.ends - self.clock.now:.3f}"
        return 200, {"RateLimit": said}, '{"id": "user_ada"}'


def test_background_work_keeps_to_four_fifths_of_the_limit(close, clock):
    window = Window(clock, limit=20, length=1.0)
    close.add_callback("GET", f"{BASE}/me/", callback=window)
    pacer = LocalPacer(clock=clock, sleep=clock.sleep)
    client = Client(BASE, api_key=KEY, background=True, pacer=pacer, sleep=clock.sleep)
    for _ in range(80):
        api.me(client)
    assert window.most == [16] * 5
    assert clock.now == pytest.approx(1004.0, abs=0.1)


def test_people_may_use_what_background_work_leaves(close, clock):
    window = Window(clock, limit=20, length=1.0)
    close.add_callback("GET", f"{BASE}/me/", callback=window)
    pacer = LocalPacer(clock=clock, sleep=clock.sleep)
    background = Client(BASE, api_key=KEY, background=True, pacer=pacer)
    person = Client(BASE, api_key=KEY, pacer=pacer)
    for _ in range(16):
        api.me(background)
    for _ in range(4):
        api.me(person)
    assert (window.most, clock.sleeps) == ([20], [])


def test_threads_share_what_is_left_so_that_none_of_them_is_refused(close, clock):
    lock = threading.Lock()
    window = Window(clock, limit=20, length=1.0)

    def answer(request):
        with lock:
            return window(request)

    close.add_callback("GET", f"{BASE}/me/", callback=answer)
    pacer = LocalPacer(clock=clock, sleep=clock.sleep)
    client = Client(BASE, api_key=KEY, background=True, pacer=pacer, sleep=clock.sleep)
    threads = [threading.Thread(target=lambda: [api.me(client) for _ in range(20)]) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(window.most) == 80
    assert max(window.most) <= 16
    assert len(close.calls) == 80


def test_a_request_that_fails_is_no_longer_counted_as_under_way(close, clock):
    close.get(f"{BASE}/me/", json={"id": "user_ada"}, headers={"RateLimit": "limit=10, remaining=4, reset=60"})
    close.get(f"{BASE}/me/", body=OSError())
    close.get(f"{BASE}/me/", status=500)
    close.get(f"{BASE}/me/", json={"id": "user_ada"})
    pacer = LocalPacer(clock=clock, sleep=clock.sleep)
    client = Client(BASE, api_key=KEY, background=True, pacer=pacer, sleep=clock.sleep)
    api.me(client)
    api.me(client)
    assert clock.sleeps == [0.5, 1.0]


def test_a_pause_that_another_process_knows_of_holds_a_request(clock):
    class Shared(LocalPacer):
        until = clock.now + 3.0

        def shared_pause(self, group):
            return max(0.0, self.until - clock.now)

    pacer = Shared(max_wait=5.0, clock=clock, sleep=clock.sleep)
    pacer.before("PUT phone_number", background=False)
    assert clock.sleeps == [3.0]
    pacer.until = clock.now + 6.0
    with pytest.raises(RateLimitError):
        pacer.before("PUT phone_number", background=False)
