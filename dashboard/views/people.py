"""The page People: who has an account here, with which role and for which teams."""

from collections import Counter
from collections.abc import Iterable
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.db.models import OuterRef, Subquery
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from dashboard import access
from dashboard.access import OPS_ADMIN, allow
from dashboard.models import Member, Role
from dashboard.services import people
from dashboard.signin import roles, two_step
from dashboard.views import fragments
from dashboard.views.people_forms import AccountForm, RoleForm

TABS = {
    "": "All",
    Role.OPS_ADMIN.value: "Ops admins",
    Role.TEAM_LEAD.value: "Team leads",
    Role.VIEWER.value: "Viewers",
    "none": "No role",
}


@allow(OPS_ADMIN)
@require_safe
def people_list(request: Any) -> HttpResponse:
    """Everybody with an account; those without a role first, since somebody has to do something about them."""
    return render(request, "people/list.html", _page(request))


def _page(request: Any, **more: Any) -> dict[str, Any]:
    everybody = [_row(request, user, asked_for=user.pk == more.get("editing")) for user in _accounts()]
    counts = people.numbers_changeable_by(row["person"] for row in everybody)
    for row in everybody:
        row["may_change"] = counts[row["user"].pk]
    chosen = request.GET.get("role", "")
    notes = [] if chosen in TABS else [f"There is no view “{chosen[:40]}”; these are all people."]
    chosen = chosen if chosen in TABS else ""
    rows = [row for row in everybody if chosen in ("", row["tab"])]
    return {
        "rows": sorted(rows, key=lambda row: row["tab"] != "none" or not row["user"].is_active),
        "with_access": sum(row["tab"] != "none" for row in everybody),
        "without": sum(row["tab"] == "none" for row in everybody),
        "tabs": [
            (label, name, sum(name in ("", row["tab"]) for row in everybody), name == chosen)
            for name, label in TABS.items()
        ],
        "notes": notes,
        "by_hand": settings.MANUAL_ROLES == "on",
        **_map(row["claimed"] for row in everybody),
        **more,
    }


def _map(claimed: Iterable[Any]) -> dict[str, Any]:
    """The map of the settings, line by line with how many people each gives a role; nothing where there is none."""
    held = Counter(group for found in claimed if found for group in found.giving)
    return {
        "claim_map": [(rule, held[rule.group]) for rule in roles.rules()],
        "claims": settings.SSO_ROLE_CLAIM,
        "unknown_teams": roles.unknown_teams(),
    }


def _accounts() -> Any:
    """Everybody with an account; `in_close`: the id of the person in Close with the same address, if there is one."""
    same = Member.objects.exclude(email="").filter(email__iexact=OuterRef("email")).order_by("-active", "pk")
    found = get_user_model()._default_manager.select_related("access", "claimed")
    found = found.annotate(in_close=Subquery(same.values("close_id")[:1]))
    found = found.prefetch_related("access__teams", "claimed__teams")
    return found.order_by("first_name", "last_name", "username")


def _row(request: Any, user: Any, *, asked_for: bool = False) -> dict[str, Any]:
    """What the table shows of one person, and why their role cannot be changed here, if it cannot.

    `asked_for`: their row is to be open, and shows more.
    """
    person = access.person(user) if user.is_active else access.Person(user)
    claimed = access.claimed_role(user)
    given = claimed or getattr(user, "access", None)
    why, me = access.may_look_after_access(request.person, user), user.pk == request.person.user.pk
    return {
        "user": user,
        "person": person,
        "name": access.name_of(user),
        "given": None if claimed else given,
        "claimed": claimed,
        # What the company account said of somebody to whom it gives no role.
        "groups": user.claimed.groups if settings.SSO_ROLE_MAP and hasattr(user, "claimed") else [],
        "not_by_hand": why or access.why_not_by_hand(user),
        "tab": person.role or "none",
        "role": Role(person.role).label if person.role else "",
        "teams": [team.name for team in given.teams.all()] if given and not person.all_numbers else [],
        # The role of a superuser stays, but their sessions end like anybody's. One's own end on the page Settings.
        "why": why if me else "",
        "may_deactivate": not why,
        "has_codes": two_step.state_of(user) is not None if asked_for else False,
        "me": me,
    }


@allow(OPS_ADMIN)
@require_http_methods(["GET", "HEAD", "POST"])
def people_edit(request: Any, pk: int) -> HttpResponse:
    """Change a person's role and teams in their row of the table."""
    user = get_object_or_404(_accounts(), pk=pk)
    if request.method != "POST":
        given = getattr(user, "access", None)
        form = RoleForm(initial=_initial(given))
        return _editor(request, user, form)
    form = RoleForm(request.POST)
    if not form.is_valid():
        return _editor(request, user, form, status=422)
    try:
        if role := form.cleaned_data["role"]:
            until = form.cleaned_data.get("until")
            people.give_role(actor=request.person, user=user, role=role, scope=form.chosen_scope, until=until)
        else:
            people.take_role(actor=request.person, user=user)
    except people.RefusedError as error:
        form.add_error(None, error.words)
        return _editor(request, user, form, status=403)
    return _saved(request, user, f"{access.name_of(user)}: {dict(Role.choices).get(role, 'no role')}.")


def _initial(given: Any) -> dict[str, Any]:
    if given is None:
        return {"role": Role.VIEWER.value, "scope": "teams", "teams": []}
    return {
        "role": given.role,
        "scope": "all" if given.all_numbers else "teams",
        "teams": [team.pk for team in given.teams.all()],
        "until": (given.ends_on if given.lasts() else None) or people.default_end(),
    }


def _editor(request: Any, user: Any, form: RoleForm, *, status: int = 200) -> HttpResponse:
    """The row with its editor open: alone for htmx, in the whole page without script."""
    if request.htmx:
        row = _row(request, user, asked_for=True)
        return fragments.fragment(request, "people/_edit.html", {"row": row, "form": form}, status=status)
    return render(request, "people/list.html", _page(request, editing=user.pk, form=form), status=status)


def _saved(request: Any, user: Any, words: str) -> HttpResponse:
    fragments.say(request, words)
    if not request.htmx:
        return _see_list()
    return _closed(request, _accounts().get(pk=user.pk))


def _closed(request: Any, user: Any) -> HttpResponse:
    """The row as it is; it takes the focus that was in its editor."""
    row = _row(request, user) | {"answered": True}
    row["may_change"] = people.numbers_changeable_by([row["person"]])[user.pk]
    return fragments.fragment(request, "people/_row.html", {"row": row})


@allow(OPS_ADMIN)
@require_safe
def people_row(request: Any, pk: int) -> HttpResponse:
    """A person's row as it is: what an editor closes into when it is cancelled."""
    return _closed(request, get_object_or_404(_accounts(), pk=pk))


@allow(OPS_ADMIN)
@require_POST
def people_active(request: Any, pk: int) -> HttpResponse:
    """Let a person sign in (`active` is true) or not (false)."""
    user = get_object_or_404(_accounts(), pk=pk)
    active = request.POST.get("active") == "true"
    try:
        people.set_active(actor=request.person, user=user, active=active)
    except people.RefusedError as error:
        fragments.say(request, error.words, level="bad")
        return _see_list()
    done = "may sign in again" if active else "is signed out and cannot sign in any more"
    return _saved(request, user, f"{access.name_of(user)} {done}.")


@allow(OPS_ADMIN)
@require_http_methods(["GET", "HEAD", "POST"])
def people_new(request: Any) -> HttpResponse:
    """Give somebody access: a local account with a role."""
    form = AccountForm(request.POST or None, initial={"role": Role.TEAM_LEAD.value, "scope": "teams"})
    if request.method != "POST":
        return render(request, "people/new.html", {"form": form})
    if form.is_valid():
        values = form.cleaned_data
        try:
            user = people.create_account(
                actor=request.person,
                email=values["email"],
                name=values["name"],
                password=values["password"],
                role=values["role"],
                scope=form.chosen_scope,
                until=values.get("until"),
            )
        except people.RefusedError as error:
            form.add_error("email", error.words)
        else:
            words = f"{access.name_of(user)} can sign in as {user.username}. Tell them the password yourself."
            fragments.say(request, words)
            return _see_list()
    return render(request, "people/new.html", {"form": form}, status=422)


def _see_list() -> HttpResponse:
    return HttpResponseRedirect(reverse("people-list"), status=303)
