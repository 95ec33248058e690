"""What each refusal and failure of Close is called, and what people and the log read of it."""

import pytest
import requests
import urllib3

from dashboard import close as api
from dashboard.close import (
    AuthenticationError,
    CloseError,
    ConnectionFailedError,
    ForbiddenError,
    InvalidRequestError,
    NotFoundError,
    PlanLimitError,
    RateLimitError,
    ServerError,
)
from dashboard.close.errors import class_for, in_words
from tests.close.conftest import BASE, KEY

PATH = f"{BASE}/phone_number/phon_a/"


def refused(client, close, **answer):
    """Return the error of a change that Close answers so."""
    close.put(PATH, **answer)
    with pytest.raises(CloseError) as caught:
        api.update_phone_number(client, "phon_a", {"label": "x"})
    return caught.value


@pytest.mark.parametrize(
    ("status", "kind", "sent", "says"),
    [
        (400, InvalidRequestError, False, "Close did not accept this"),
        (401, AuthenticationError, False, "Close refused the key"),
        (402, PlanLimitError, False, "Close plan"),
        (403, ForbiddenError, False, "“Manage Team Phone Numbers”"),
        (404, NotFoundError, False, "no longer in Close"),
        (405, InvalidRequestError, False, "Close did not accept this"),
        (409, InvalidRequestError, False, "Close did not accept this"),
        (415, InvalidRequestError, False, "Close did not accept this"),
        (422, InvalidRequestError, False, "Close did not accept this"),
        (429, RateLimitError, False, "as many requests as it allows"),
        (302, ServerError, True, "Close has a problem"),
        (500, ServerError, True, "Close has a problem"),
        (501, ServerError, True, "Close has a problem"),
        (502, ServerError, True, "Close has a problem"),
        (503, ServerError, True, "Close has a problem"),
        (504, ServerError, True, "Close has a problem"),
        (599, ServerError, True, "Close has a problem"),
    ],
)
@pytest.mark.parametrize("body", ["", "<html>no</html>", '{"error": "no"}', "[1]", "{", '{"error": {"a": [null]}}'])
def test_each_status_has_a_meaning_whatever_its_body(client, close, status, kind, sent, says, body):
    error = refused(client, close, status=status, body=body)
    assert type(error) is kind
    assert (error.status, error.sent, error.writing) == (status, sent, True)
    assert says in error.screen
    assert ("not known yet" if sent else "Nothing was changed.") in error.screen
    assert error.log == str(error)
    assert error.log.startswith(f"PUT phone_number/phon_a/: {status}")
    assert len(close.calls) == 1


@pytest.mark.parametrize(
    ("body", "field_errors", "errors", "words"),
    [
        ({"error": "Bad."}, {}, ["Bad."], "Bad."),
        ({"errors": ["One.", "Two."], "field-errors": {}}, {}, ["One.", "Two."], "One.; Two."),
        ({"errors": [], "field-errors": {"label": "Too long."}}, {"label": "Too long."}, [], "label: Too long."),
        ({"field-errors": {"label": ["A.", "B."]}}, {"label": "A.; B."}, [], "label: A.; B."),
        (
            {"field-errors": {"participants": {"errors": {"0": "Object does not exist."}}}},
            {"participants": "item 1: Object does not exist."},
            [],
            "participants: item 1: Object does not exist.",
        ),
        ({"field-errors": {"a": {"field-errors": {"b": "No."}}}}, {"a": "b: No."}, [], "a: b: No."),
        ({"field-errors": {"label": None}}, {"label": "is not accepted"}, [], "label: is not accepted"),
        ({"field-errors": ["No."], "errors": None}, {}, ["No."], "No."),
        ({"errors": {"a": {"b": "Deep."}}}, {}, ["a: b: Deep."], "a: b: Deep."),
        ({"errors": "Only one."}, {}, ["Only one."], "Only one."),
        ({"error": "two\nlines \x1b[31mred\t end"}, {}, ["two lines [31mred end"], "two lines [31mred end"),
        ({}, {}, [], ""),
        ([], {}, [], ""),
    ],
)
def test_close_own_words_are_kept_by_field_and_on_one_line(client, close, body, field_errors, errors, words):
    error = refused(client, close, status=400, json=body)
    assert (error.field_errors, error.errors, error.words) == (field_errors, errors, words)
    assert (f"Close says: “{words}”" if words else "gave no reason") in error.screen


def test_a_refusal_in_plain_text_is_quoted_and_cut(client, close):
    error = refused(client, close, status=400, body="You may not. " * 1000)
    assert error.words.startswith("You may not. You may not.")
    assert len(error.words) == 300


def test_a_page_of_html_is_not_quoted(client, close):
    error = refused(client, close, status=403, body="\n<!DOCTYPE html><h1>Blocked by a firewall</h1>")
    assert "firewall" not in error.screen + error.log


@pytest.mark.parametrize("status", [402, 403])
def test_what_close_says_of_a_plan_or_a_permission_is_shown(client, close, status):
    error = refused(client, close, status=status, json={"error": "Ask Dana."})
    assert error.screen.endswith("Close says: “Ask Dana.”")


NOT_SENT = [
    requests.exceptions.ConnectTimeout("…"),
    requests.exceptions.ConnectionError(
        urllib3.exceptions.MaxRetryError(None, "/", urllib3.exceptions.NewConnectionError(None, "refused"))
    ),
    requests.exceptions.ConnectionError(
        urllib3.exceptions.MaxRetryError(None, "/", urllib3.exceptions.NameResolutionError("host", None, OSError()))
    ),
    requests.exceptions.InvalidURL("…"),
    requests.exceptions.MissingSchema("…"),
]
PERHAPS_SENT = [
    requests.exceptions.ReadTimeout("…"),
    requests.exceptions.ConnectionError(
        urllib3.exceptions.ProtocolError("Connection aborted.", ConnectionResetError())
    ),
    requests.exceptions.ConnectionError(),
    requests.exceptions.SSLError("…"),
    ConnectionResetError(),
    TimeoutError(),
    urllib3.exceptions.HTTPError("…"),
    requests.exceptions.RequestException(),
]


@pytest.mark.parametrize("failure", NOT_SENT, ids=repr)
def test_what_never_left_is_said_not_to_have_been_sent(client, close, failure):
    error = refused(client, close, body=failure)
    assert type(error) is ConnectionFailedError
    assert (error.sent, error.status) == (False, None)
    assert "was not sent, so nothing is different in Close" in error.screen


@pytest.mark.parametrize("failure", PERHAPS_SENT, ids=repr)
def test_what_may_have_left_is_said_to_be_unknown(client, close, failure):
    error = refused(client, close, body=failure)
    assert type(error) is ConnectionFailedError
    assert error.sent
    assert "not known yet" in error.screen
    assert len(close.calls) == 1


@pytest.mark.parametrize(
    "failure", [requests.exceptions.ChunkedEncodingError, requests.exceptions.ContentDecodingError]
)
def test_half_an_answer_to_a_write_may_have_been_done(client, close, failure):
    error = refused(client, close, body=failure("…"))
    assert type(error) is ServerError
    assert error.sent


def test_a_failed_read_says_how_old_the_page_may_be_and_not_that_something_may_have_changed(client, close):
    close.get(PATH, body=requests.exceptions.ReadTimeout())
    with pytest.raises(ConnectionFailedError) as caught:
        api.phone_number(client, "phon_a")
    assert caught.value.screen == (
        "Close cannot be reached at the moment. What you see is the last copy, and it may be out of date. "
        "Try again in a few minutes."
    )


@pytest.mark.parametrize(
    "answer",
    [
        {"status": status, "body": body}
        for status in (301, 400, 401, 402, 403, 404, 429, 500)
        for body in (f"key {KEY} is bad", f'{{"error": "{KEY}", "field-errors": {{"{KEY}": ["{KEY}"]}}}}')
    ]
    + [{"body": failure(f"https://{KEY}@host")} for failure in (requests.ConnectionError, requests.ReadTimeout)]
    + [{"body": requests.exceptions.InvalidHeader(f"Authorization: {KEY}")}, {"body": OSError(KEY)}],
    ids=str,
)
def test_no_error_holds_the_key(client, close, answer):
    error = refused(client, close, headers={"X-Echo": KEY}, **answer)
    held = [repr(client), repr(error), str(error), error.screen, error.log, repr(vars(error))]
    assert not [text for text in held if KEY in text or "QXBp" in text or "YXBpX0NhbmFyeU" in text]


@pytest.mark.parametrize("answer", [{"status": 500}, {"body": requests.exceptions.ReadTimeout()}], ids=str)
def test_no_error_keeps_the_request_or_the_answer(client, close, answer):
    error = refused(client, close, **answer)
    assert (error.__cause__, error.__context__) == (None, None)
    kept = [type(value) for value in vars(error).values()]
    assert set(kept) <= {int, str, bool, type(None), dict, list, float}


def test_base64_of_the_key_is_struck_out_too(client, close):
    header = "YXBpX0NhbmFyeUtleTAxMjM0NTY3ODkuU2VjcmV0Og=="
    error = refused(client, close, status=400, json={"error": f"Bad header: Basic {header}"})
    assert error.words == "Bad header: Basic [key]"


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "1 second"),
        (0.4, "1 second"),
        (1.2, "2 seconds"),
        (90, "90 seconds"),
        (91, "2 minutes"),
        (3600, "60 minutes"),
    ],
)
def test_waits_are_said_as_people_say_them(seconds, words):
    assert in_words(seconds) == words


@pytest.mark.parametrize(("status", "kind"), [(410, InvalidRequestError), (100, ServerError), (304, ServerError)])
def test_a_status_without_a_class_of_its_own_has_a_meaning(status, kind):
    assert class_for(status) is kind


def test_every_text_for_people_is_made_of_calm_sentences():
    for kind in CloseError.__subclasses__():
        for writing in (False, True):
            made = kind(3.0, writing=writing) if kind is RateLimitError else kind(writing=writing)
            assert made.screen.endswith((".", "”"))
            assert "!" not in made.screen
            assert made.log
