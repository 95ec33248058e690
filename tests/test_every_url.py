"""Every address of the site, for everybody: who is let in is what its rule says, and looking changes nothing.

The addresses are read from the URLconf, so a new one is tried as well; it fails here until it states a rule.
"""

import io
import re
from datetime import date, time
from itertools import product
from uuid import uuid4

import pytest
from django.apps import apps
from django.test import Client
from django.urls import URLPattern, get_resolver, reverse
from django.utils import timezone

from dashboard import access
from dashboard.models import (
    Absence,
    Calendar,
    Change,
    Import,
    Kind,
    Outcome,
    PhoneNumber,
    Plan,
    SavedView,
    Session,
    Source,
)
from dashboard.services import importing
from dashboard.signin import urls as signin_urls

from .conftest import signed_in

RULE_OF = {"stranger": 0, "nobody": 1, "viewer": 2, "lead": 3, "ops": 4}
LET_IN = {200, 302, 405}
# What a view may answer to an empty form: a page, a redirect, what is wrong with it, but never an error of ours.
ANSWERS_TO_NOTHING = {200, 302, 303, 400, 403, 405, 409, 422}


def patterns(resolver=None):
    for pattern in (resolver or get_resolver()).url_patterns:
        if isinstance(pattern, URLPattern):
            yield pattern
        else:
            yield from patterns(pattern)


URLS = {pattern.name: pattern for pattern in patterns()}
SIGN_IN = [pattern.name for pattern in signin_urls.urlpatterns]
OF_A_NUMBER = [name for name, pattern in URLS.items() if "close_id" in pattern.pattern.converters]
OF_A_MEMBER = [name for name, pattern in URLS.items() if "member_id" in pattern.pattern.converters]
OF_A_CHANGE = [name for name in URLS if name.startswith("change-") and "pk" in URLS[name].pattern.converters]
OF_A_VIEW = [name for name in URLS if name.startswith("view-") and "pk" in URLS[name].pattern.converters]
OF_A_PLAN = [name for name in URLS if name.startswith("plan-") and "pk" in URLS[name].pattern.converters]
OF_AN_ABSENCE = [name for name in URLS if name.startswith("absence-") and "pk" in URLS[name].pattern.converters]
OF_A_CALENDAR = [name for name in URLS if name.startswith("calendar-") and "pk" in URLS[name].pattern.converters]
OF_AN_IMPORT = [name for name in URLS if name.startswith("import-") and "pk" in URLS[name].pattern.converters]
OF_A_PERSON = [name for name in URLS if name.startswith("people-") and "pk" in URLS[name].pattern.converters]
EDITORS = [name for name in URLS if name.startswith("number-edit-")]


class Cast:
    """The people, and things that each of them may and may not see."""

    def __init__(self, sim, users):
        self.sim, self.users = sim, users
        lead = access.person(users["lead"])
        self.number = access.changeable_numbers(lead)[0]
        self.foreign = PhoneNumber.objects.exclude(pk__in=access.visible_numbers(lead))[0]
        self.change, self.foreign_change = (self.change_of(number) for number in (self.number, self.foreign))

    def change_of(self, number):
        now = timezone.now()
        plan = Plan.objects.create(intent=uuid4(), source=Source.CLOSE, state=Plan.State.DONE, created_at=now)
        return Change.objects.create(
            plan=plan,
            number=number,
            before={"label": "Before"},
            after={"label": number.label},
            state=Outcome.OBSERVED,
            created_at=now,
        )

    def client(self, role):
        return Client() if role == "stranger" else signed_in(self.users[role])

    def view_of(self, role):
        owner = self.users.get(role, self.users["ops"])
        return SavedView.objects.get_or_create(owner=owner, name="Mine", defaults={"query": "forwarding=on"})[0]

    def plan_of(self, role):
        """A draft of theirs; ops admins see everybody's."""
        author = self.users.get(role, self.users["ops"])
        now = timezone.now()
        facts = {"source": Source.BULK, "background": True, "author_name": "Somebody", "created_at": now}
        facts |= {"intent": uuid4(), "state": Plan.State.DRAFT, "organization_id": "orga_1"}
        plan, made = Plan.objects.get_or_create(author=author, background=True, defaults=facts)
        if made:
            Change.objects.create(
                plan=plan, number=self.number, after={"label": "x"}, state=Outcome.PLANNED, created_at=now
            )
        return plan

    def absence_of(self, role):
        """An absence of a number that a lead may see."""
        times = {"start_time": time(18), "end_time": time(9), "end_days": 1, "zone": "UTC"}
        facts = times | {"first_day": date(2030, 1, 1), "created_at": timezone.now()}
        author = self.users.get(role, self.users["ops"])
        absence, _ = Absence.objects.get_or_create(author=author, name="Away", defaults=facts)
        return absence

    def import_of(self, role):
        """A table of theirs; whoever brings none has no address of one."""
        if (owner := self.users.get(role)) is None or not access.person(owner).may_change_something:
            return Import(pk=0)
        if (brought := Import.objects.filter(author=owner).first()) is not None:
            return brought
        table = io.BytesIO(f"number,label\n{self.number.number},x\n+4930000001,y\n".encode())
        return importing.take(actor=access.person(owner), file=table, name="numbers.csv")

    def address(self, name, role, **other):
        """An address of this name, of something that everybody here may see if their role does."""
        pattern = URLS[name].pattern
        things = {"close_id": self.number.close_id, "name": "team", "member_id": self.number.members.first().close_id}
        if name in OF_A_CHANGE:
            things["pk"] = self.change.pk
        elif name in OF_A_VIEW:
            things["pk"] = self.view_of(role).pk
        elif name in OF_A_PLAN:
            things["pk"] = self.plan_of(role).pk
        elif name in OF_AN_ABSENCE:
            things["pk"] = self.absence_of(role).pk
        elif name in OF_A_CALENDAR:
            things["pk"] = Calendar.objects.get_or_create(name="Berlin", defaults={"country": "DE"})[0].pk
        elif name in OF_AN_IMPORT:
            things["pk"] = self.import_of(role).pk
        elif name in OF_A_PERSON:
            things["pk"] = self.users["nobody"].pk
        things |= other
        return reverse(name, kwargs={key: things[key] for key in pattern.converters})


@pytest.fixture
def cast(synced, request):
    return Cast(synced, {role: request.getfixturevalue(role) for role in RULE_OF if role != "stranger"})


def answers(statuses, name):
    """A way to sign in that is not set up is not there."""
    return statuses | {404} if name in SIGN_IN else statuses


def meets(role, rule):
    return RULE_OF[role] >= access.RULES.index(rule)


def read(response):
    """All of the answer: an export is made while it is sent."""
    return b"".join(response.streaming_content) if response.streaming else response.content


def everything(sim):
    """All that is stored, and what Close was asked; sign-ins apart, and that somebody took an export along."""
    stored = [
        model
        for model in apps.get_models()
        if model._meta.app_label in ("dashboard", "auth", "mfa", "django_tasks_database") and model is not Session
    ]
    rows = {model._meta.label: list(model.objects.order_by("pk").values()) for model in stored}
    rows["dashboard.Event"] = [row for row in rows["dashboard.Event"] if row["kind"] != Kind.EXPORTED]
    rows["dashboard.Counter"] = [row for row in rows["dashboard.Counter"] if row["name"] != "history"]
    return rows, len(sim.journal)


def test_every_address_states_a_rule():
    without = [name for name, pattern in URLS.items() if getattr(pattern.callback, "access_rule", None) is None]
    assert without == []
    assert None not in URLS
    assert len(URLS) == len(list(patterns())), "Two addresses have one name."


def test_whoever_is_let_in_without_signing_in_is_a_short_list():
    public = {name for name, pattern in URLS.items() if pattern.callback.access_rule == access.ANYONE}
    assert public == {"healthz", "readyz", *SIGN_IN} - {"embed-done", "two-step-codes", "two-step-renew"}


def test_looking(cast, subtests):
    """GET by everybody: let in or not as the rule says, never an error, and nothing is written or asked of Close."""
    clients = {role: cast.client(role) for role in RULE_OF}
    addresses = {name: {role: cast.address(name, role) for role in RULE_OF} for name in URLS}
    before = everything(cast.sim)
    for name, pattern in URLS.items():
        with subtests.test(name):
            for role, htmx in product(RULE_OF, (False, True)):
                response = clients[role].get(addresses[name][role], headers={"HX-Request": "true"} if htmx else {})
                read(response)
                if not meets(role, pattern.callback.access_rule):
                    refused(response, role, htmx)
                elif name in EDITORS and role == "viewer":
                    assert response.status_code == 403
                elif name == "readyz":
                    assert response.status_code in (200, 503)
                else:
                    assert response.status_code in answers(LET_IN, name), (role, response.status_code)
            assert everything(cast.sim) == before


def refused(response, role, htmx):
    if role != "stranger":
        assert response.status_code == 403, role
    elif htmx:
        assert response.status_code == 401
        assert response["HX-Trigger"] == "session-expired"
        assert response["X-Sign-In"].startswith("/accounts/login/?next=/")
    else:
        assert response.status_code == 302
        assert response["Location"].startswith("/accounts/login/?next=/")


def test_posting_by_whom_the_rule_does_not_let_in(cast, subtests):
    """POST of an empty form by everybody who may not: refused, and nothing is written or asked of Close."""
    clients = {role: cast.client(role) for role in RULE_OF}
    addresses = {name: {role: cast.address(name, role) for role in RULE_OF} for name in URLS}
    before = everything(cast.sim)
    for name, pattern in URLS.items():
        with subtests.test(name):
            for role in RULE_OF:
                if not meets(role, pattern.callback.access_rule):
                    refused(clients[role].post(addresses[name][role]), role, False)
            assert everything(cast.sim) == before


@pytest.mark.parametrize("name", URLS)
def test_posting_nothing(cast, name):
    """POST of an empty form by everybody who may: nobody meets an error, and nothing is sent to Close."""
    for role in RULE_OF:
        if meets(role, URLS[name].callback.access_rule):
            response = cast.client(role).post(cast.address(name, role))
            assert response.status_code in answers(ANSWERS_TO_NOTHING, name), (role, response.status_code)
            # An undo is a button, with nothing to fill in.
            assert name == "change-undo" or cast.sim.puts() == []


def test_other_methods_do_nothing(cast, subtests):
    addresses = {
        name: cast.address(name, "ops") for name, pattern in URLS.items() if pattern.callback.access_rule != "anyone"
    }
    client = cast.client("ops")
    before = everything(cast.sim)
    for name, address in addresses.items():
        with subtests.test(name):
            for method in ("put", "patch", "delete", "options", "trace"):
                assert getattr(client, method)(address).status_code in (200, 302, 405), method
            assert everything(cast.sim) == before


def not_there(name, method):
    """The status for what is not there: 405 where this address does not take the method at all."""
    posts_only = name in ("number-refresh", "people-active", "people-sessions", "people-codes")
    gets_only = name in ("people-row", *OF_A_NUMBER) and not posts_only and name not in EDITORS
    return 405 if (posts_only and method == "get") or (gets_only and method == "post") else 404


NOBODYS_NUMBERS = ("phon_nothing", "phon_x' OR 1=1 --", "x" * 500)


def test_a_number_of_another_team_is_not_there(cast, subtests):
    """Neither for whoever leads other teams, nor one of nothing for anybody; by every address of a number."""
    clients = {role: cast.client(role) for role in ("lead", "ops")}
    before = everything(cast.sim)
    for name, method in product(OF_A_NUMBER, ("get", "post")):
        with subtests.test(name, method=method):
            for role, close_id in [("lead", cast.foreign.close_id), *product(clients, NOBODYS_NUMBERS)]:
                response = getattr(clients[role], method)(cast.address(name, role, close_id=close_id))
                assert response.status_code == not_there(name, method), (role, close_id)
                assert cast.foreign.number.encode() not in response.content
            assert everything(cast.sim) == before


@pytest.mark.parametrize("method", ["get", "post"])
def test_no_id_of_close_holds_nul(cast, subtests, method):
    client = cast.client("ops")
    for name in (*OF_A_NUMBER, *OF_A_MEMBER):
        with subtests.test(name):
            address = cast.address(name, "ops", close_id="a-b", member_id="a-b").replace("a-b", "a%00b")
            assert getattr(client, method)(address).status_code == 404


@pytest.mark.parametrize("name", OF_A_CHANGE)
def test_a_change_of_another_team_is_not_there(cast, name):
    client = cast.client("lead")
    before = everything(cast.sim)
    for pk in (cast.foreign_change.pk, 10**9, 10**18):
        response = client.post(cast.address(name, "lead", pk=pk), {"intent": str(uuid4())})
        assert response.status_code == 404, pk
    assert everything(cast.sim) == before


@pytest.mark.parametrize("name", OF_A_VIEW)
def test_a_view_of_somebody_else_is_not_there(cast, name):
    theirs, client = cast.view_of("ops"), cast.client("lead")
    addresses = [cast.address(name, "lead", pk=pk) for pk in (theirs.pk, 10**9)]
    before = everything(cast.sim)
    for address in addresses:
        assert client.post(address, {"name": "Stolen"}).status_code == 404
    assert everything(cast.sim) == before


@pytest.mark.parametrize("name", OF_A_PLAN)
@pytest.mark.parametrize("method", ["get", "post"])
def test_a_plan_of_somebody_else_is_not_there(cast, name, method):
    theirs, client = cast.plan_of("ops"), cast.client("lead")
    addresses = [cast.address(name, "lead", pk=pk) for pk in (theirs.pk, 10**9, 10**18)]
    before = everything(cast.sim)
    for address in addresses:
        assert getattr(client, method)(address).status_code in (404, 405), address
    assert everything(cast.sim) == before


@pytest.mark.parametrize("name", OF_AN_IMPORT)
@pytest.mark.parametrize("method", ["get", "post"])
def test_an_import_of_somebody_else_is_not_there(cast, name, method):
    theirs, client = cast.import_of("lead"), cast.client("ops")
    addresses = [cast.address(name, "ops", pk=pk) for pk in (theirs.pk, 10**9, 10**18)]
    before = everything(cast.sim)
    for address in addresses:
        assert getattr(client, method)(address).status_code in (404, 405), address
    assert everything(cast.sim) == before


@pytest.mark.parametrize("name", OF_A_PERSON)
@pytest.mark.parametrize("method", ["get", "post"])
def test_a_person_who_is_not_there(cast, name, method):
    response = getattr(cast.client("ops"), method)(cast.address(name, "ops", pk=10**9))
    assert response.status_code == not_there(name, method)


def test_nothing_shows_numbers_of_other_teams(cast):
    """What a lead may read of lists and exports holds no number, change or name from outside."""
    client, lead = cast.client("lead"), access.person(cast.users["lead"])
    outside = PhoneNumber.objects.exclude(pk__in=access.visible_numbers(lead)).values_list("number", flat=True)
    assert outside
    for name in ("number-list", "number-export", "change-list", "change-export"):
        text = read(client.get(cast.address(name, "lead"), {"per_page": "200"})).decode()
        digits = re.sub(r"[ ()-]", "", text)
        assert cast.number.number.removeprefix("+") in digits, name
        assert not [number for number in outside if number.removeprefix("+") in digits], name
