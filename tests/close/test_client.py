"""What leaves for Close and what comes back from it."""

import base64
import json
import threading

import pytest
import requests
import responses
from responses import matchers

from dashboard import close as api
from dashboard.close import AuthenticationError, Client, NotFoundError, RateLimitError, ServerError
from tests.close.conftest import BASE, KEY


def test_api_key_goes_as_basic_with_an_empty_password(client, close):
    close.get(f"{BASE}/me/", json={"id": "user_ada"})
    api.me(client)
    scheme, _, value = close.calls[0].request.headers["Authorization"].partition(" ")
    assert (scheme, base64.b64decode(value).decode()) == ("Basic", f"{KEY}:")


def test_access_token_goes_as_bearer(close):
    close.get(f"{BASE}/me/", json={"id": "user_ada"})
    api.me(Client(BASE, access_token="token-of-an-hour"))
    assert close.calls[0].request.headers["Authorization"] == "Bearer token-of-an-hour"


def test_requests_say_who_asks_and_what_for(client, close):
    close.get(f"{BASE}/me/", json={"id": "user_ada"})
    api.me(client)
    headers = close.calls[0].request.headers
    assert (headers["User-Agent"], headers["Accept"]) == ("closephones", "application/json")


def test_update_sends_the_changed_fields_and_returns_what_close_made_of_them(client, close, number):
    close.put(f"{BASE}/phone_number/phon_2isAjIhK/", json={**number, "label": "London"})
    record = api.update_phone_number(client, "phon_2isAjIhK", {"label": "London ", "forward_to_enabled": True})
    request = close.calls[0].request
    assert json.loads(request.body) == {"label": "London ", "forward_to_enabled": True}
    assert request.headers["Content-Type"] == "application/json"
    assert record.label == "London"


@pytest.mark.parametrize("unset", [{}, {"api_key": "  "}, {"api_key": ""}])
def test_without_a_key_nothing_is_sent(close, unset):
    with pytest.raises(AuthenticationError) as caught:
        api.me(Client(BASE, **unset))
    assert not close.calls
    assert caught.value.screen.startswith("No usable key for Close is set")


@pytest.mark.parametrize("token", ["two\r\nlines", "ключ", "a b"])
def test_a_key_that_no_header_can_hold_is_not_sent(close, token):
    with pytest.raises(AuthenticationError) as caught:
        api.me(Client(BASE, access_token=token))
    assert not close.calls
    assert not caught.value.sent
    assert token not in caught.value.screen + caught.value.log


def test_key_read_from_a_file_may_end_in_a_newline(close):
    close.get(f"{BASE}/me/", json={"id": "user_ada"})
    api.me(Client(BASE, access_token="token\n"))
    assert close.calls[0].request.headers["Authorization"] == "Bearer token"


def test_address_with_a_password_in_it_is_refused():
    with pytest.raises(ValueError, match="Leave them out") as caught:
        Client("https://ops:hunter2@api.close.test/api/v1")
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("get", "lead/"),
        ("get", "phone_number"),
        ("get", "phone_number/../lead/"),
        ("get", "phone_number/phon_a/?x=1"),
        ("get", "https://elsewhere.test/me/"),
        ("put", "phone_number/"),
        ("put", "membership/memb_a/"),
        ("put", "phone_number/phon_a/\n"),
        ("post_form", "phone_number/request/internal/"),
        ("post_form", "oauth2/authorize/"),
        ("post_form", "oauth2/token"),
        ("get", "oauth2/token/"),
    ],
)
def test_what_this_program_does_not_need_is_never_asked(client, close, method, path):
    arguments = [] if method == "get" else [{}]
    with pytest.raises(ValueError, match="never asks"):
        getattr(client, method)(path, *arguments)
    assert not close.calls


@pytest.mark.parametrize("odd", ["", "../lead", "a/b", "a?b", "phon a", "ü", "phon\n"])
def test_an_id_that_close_cannot_know_is_not_found_without_asking(client, close, odd):
    with pytest.raises(NotFoundError):
        api.phone_number(client, odd)
    with pytest.raises(NotFoundError):
        api.update_phone_number(client, odd, {"label": "x"})
    assert not close.calls


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirects_are_not_followed(client, close, status):
    close.get(f"{BASE}/me/", status=status, headers={"Location": "https://elsewhere.test/me/"})
    elsewhere = close.get("https://elsewhere.test/me/", json={"id": "user_ada"})
    with pytest.raises(ServerError):
        api.me(client)
    assert (elsewhere.call_count, len(close.calls)) == (0, 1)


def test_cookies_of_an_answer_are_not_sent_back(client, close):
    close.get(f"{BASE}/me/", json={"id": "user_ada"}, headers={"Set-Cookie": "session=1; Path=/"})
    api.me(client)
    api.me(client)
    assert "Cookie" not in close.calls[1].request.headers


def test_environment_changes_nothing(client, close, monkeypatch, tmp_path):
    (tmp_path / "netrc").write_text("machine api.close.test login stranger password secret\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.test:3128")
    close.get(f"{BASE}/me/", json={"id": "user_ada"}, match=[matchers.request_kwargs_matcher({"proxies": {}})])
    api.me(client)
    assert close.calls[0].request.headers["Authorization"].startswith("Basic ")


def test_every_call_has_a_time_limit(close):
    close.get(f"{BASE}/me/", json={"id": "u"}, match=[matchers.request_kwargs_matcher({"timeout": 3.5})])
    assert api.me(Client(BASE, api_key=KEY, timeout=3.5)).id == "u"


def test_a_given_session_is_used_and_left_open(close):
    closed = []

    class Session(requests.Session):
        def close(self):
            closed.append(self)

    session = Session()
    close.get(f"{BASE}/me/", json={"id": "user_ada"})
    with_session = Client(BASE, api_key=KEY, session=session)
    api.me(with_session)
    with_session.close()
    assert not closed


@pytest.mark.parametrize(
    "body",
    [
        b"<html><body>Maintenance</body></html>",
        b'{"id": "phon_2isA',
        b"",
        b"null",
        b"[]",
        b'"ok"',
        b"\xff\xfe\x00",
        b"[" * 100_000,
        b'{"n": ' + b"9" * 5000 + b"}",
        b'{"label": "no id, no number"}',
    ],
)
def test_a_write_whose_answer_is_of_no_use_may_have_been_done(client, close, body):
    close.put(f"{BASE}/phone_number/phon_a/", body=body)
    with pytest.raises(ServerError) as caught:
        api.update_phone_number(client, "phon_a", {"label": "x"})
    assert caught.value.sent
    assert "not known yet" in caught.value.screen
    assert len(close.calls) == 1


def test_numbers_and_characters_that_no_database_takes_are_replaced(client, close):
    body = b'{"id": "user_a", "first_name": "A\\u0000da \\ud83d", "n": NaN, "i": -Infinity, "e": [1e999, 1.5]}'
    close.get(f"{BASE}/user/user_a/", body=body)
    record = api.user(client, "user_a")
    assert record.first_name == "A\ufffdda \ufffd"
    assert record.raw == {
        "id": "user_a",
        "first_name": "A\ufffdda \ufffd",
        "n": None,
        "i": None,
        "e": [None, 1.5],
    }


def test_pairs_of_surrogates_and_a_byte_order_mark_are_read(client, close):
    close.get(f"{BASE}/user/user_a/", body=b'\xef\xbb\xbf{"id": "user_a", "first_name": "\\ud83d\\ude00"}')
    assert api.user(client, "user_a").name == "😀"


def test_values_that_are_no_json_are_not_sent(client, close):
    with pytest.raises(ValueError, match="JSON"):
        client.put("phone_number/phon_a/", {"inbound_ring_duration": float("nan")})
    assert not close.calls


class Refusing:
    """A pacer that lets nothing through."""

    def before(self, group, *, background):
        raise RateLimitError(7.0, f"{group} pauses, background={background}")

    def after(self, group, limit):
        raise AssertionError("nothing was sent")

    pause = after


def test_a_refusal_of_the_pacer_sends_nothing_and_says_so(close):
    client = Client(BASE, api_key=KEY, pacer=Refusing(), background=True)
    with pytest.raises(RateLimitError) as caught:
        api.update_phone_number(client, "phon_a", {"label": "x"})
    assert not close.calls
    assert (caught.value.reset, caught.value.sent, caught.value.status) == (7.0, False, None)
    assert caught.value.log == "PUT phone_number pauses, background=True"
    assert "Nothing was changed. Try again in 7 seconds." in caught.value.screen


def test_one_client_serves_many_threads(client, close):
    for name in "abcdefgh":
        close.get(f"{BASE}/user/user_{name}/", json={"id": f"user_{name}", "first_name": name})
    seen = []

    def ask(name):
        seen.extend((name, api.user(client, f"user_{name}").name) for _ in range(10))

    threads = [threading.Thread(target=ask, args=[name]) for name in "abcdefgh"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(seen) == 80
    assert all(asked == got for asked, got in seen)


@pytest.mark.parametrize(
    ("call", "path"),
    [
        (lambda client: api.user(client, "user_a"), "user/user_a/"),
        (lambda client: api.group(client, "group_a"), "group/group_a/"),
        (lambda client: api.organization(client, "orga_a"), "organization/orga_a/"),
        (lambda client: api.phone_number(client, "phon_a"), "phone_number/phon_a/"),
    ],
)
def test_each_endpoint_asks_its_own_address(client, close, call, path):
    close.get(f"{BASE}/{path}", json={"id": path.split("/")[1], "number": "+14155550142"})
    assert call(client).id == path.split("/")[1]


def test_organization_is_asked_with_its_people(client, close):
    query = {"_expand": "memberships__user,inactive_memberships__user"}
    close.get(f"{BASE}/organization/orga_a/", json={"id": "orga_a"}, match=[matchers.query_param_matcher(query)])
    assert api.organization(client, "orga_a").memberships == ()


def test_address_may_end_in_a_slash(close):
    close.add(responses.GET, f"{BASE}/me/", json={"id": "user_ada"})
    assert api.me(Client(f"{BASE}/", api_key=KEY)).id == "user_ada"
