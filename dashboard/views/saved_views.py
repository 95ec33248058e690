"""The views of the number list: those that everybody has, and the named queries that people save."""

from typing import Any

from django import forms
from django.http import HttpResponse, HttpResponseRedirect, QueryDict
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from dashboard import access
from dashboard.access import VIEWER, allow, name_of
from dashboard.filters import NumberQuery
from dashboard.models import SavedView
from dashboard.services import saved_views as saved
from dashboard.views.fragments import fragment, say
from dashboard.views.number_query import counts_of, read_query

# The views that everybody has, with what they ask for.
VIEWS = {
    "All": "",
    "Forwarding on": "forwarding=on",
    "Forwarding off": "forwarding=off",
    "No greeting": "greeting=none",
    "Changed in Close": "changed=close",
}


class SavedViewForm(forms.ModelForm[SavedView]):
    """A view's name, what it asks for, and whether everybody sees it. What is not posted stays as it is."""

    class Meta:
        model = SavedView
        fields = ("name", "query", "shared")

    def __init__(self, data: Any, *, instance: SavedView) -> None:
        super().__init__(data, instance=instance)
        if instance.pk:
            for name in set(self.fields) - set(data):
                del self.fields[name]


def saved_views(request: Any) -> list[SavedView]:
    """The saved views that are tabs for this person; read once a request."""
    if not hasattr(request, "saved_views"):
        request.saved_views = list(access.visible_views(request.person))
    return request.saved_views  # type: ignore[no-any-return]


def address_of(view: SavedView) -> str:
    """The query string that opens this view."""
    return f"?{view.query}&view={view.pk}" if view.query else f"?view={view.pk}"


def views_of(request: Any, query: NumberQuery | None = None) -> list[dict[str, Any]]:
    """The views as tabs, without their counts. `query` is what is looked at now."""
    found: list[dict[str, Any]] = [
        {"id": f"view-{asked.partition('=')[2] or 'all'}", "name": name, "query": asked, "address": f"?{asked}"}
        for name, asked in VIEWS.items()
    ]
    for view in saved_views(request):
        found.append({"id": f"view-{view.pk}", "name": view.name, "query": view.query, "address": address_of(view)})
    if query is not None:
        filters = query.address(sort=None, per_page=None, columns=None)
        for tab in found:
            tab["current"] = tab["id"] == f"view-{query.view}" if query.view else tab["address"] == filters
    return found


def view_of(request: Any, query: NumberQuery) -> dict[str, Any] | None:
    """The saved view that is looked at, and whether what is looked at has moved away from it."""
    if query.view is None:
        return None
    view = next((view for view in saved_views(request) if view.pk == query.view), None)
    if view is None:
        query.notes.append("That saved view is not there any more, or is not shared with you.")
        query.view = None
        return None
    asked = query.address(view=None).removeprefix("?")
    own = view.owner_id == request.user.pk
    return {"pk": view.pk, "name": view.name, "own": own, "changed": asked != view.query, "address": address_of(view)}


@allow(VIEWER)
@require_http_methods(["GET", "HEAD", "POST"])
def view_list(request: Any) -> HttpResponse:
    """GET: the person's own views, to rename, share and delete; to ops admins also what others share.

    POST: save what is looked at under a name.
    """
    if request.method == "POST":
        return _save(request, SavedView(owner=request.user))
    own: list[Any] = []
    others: list[Any] = []
    for view in access.removable_views(request.person).select_related("owner"):
        (own if view.owner == request.user else others).append((view, address_of(view), name_of(view.owner)))
    return render(request, "numbers/saved_views.html", {"own": own, "others": others})


@allow(VIEWER)
@require_POST
def view_edit(request: Any, pk: int) -> HttpResponse:
    """Rename one's own view, share it or not, or let it ask for what is looked at now."""
    return _save(request, get_object_or_404(access.own_views(request.person), pk=pk))


@allow(VIEWER)
@require_POST
def view_delete(request: Any, pk: int) -> HttpResponse:
    """Take a view away: one's own, or as an ops admin one that is shared."""
    view = get_object_or_404(access.removable_views(request.person), pk=pk)
    view.delete()
    say(request, f"The view “{view.name}” is gone.")
    return HttpResponseRedirect(reverse("view-list"), status=303)


def _save(request: Any, view: SavedView) -> HttpResponse:
    """Store what the form says and open the view; what cannot be saved is said where the person was."""
    data = request.POST.copy()
    if "query" in data:
        query, _ = read_query(request, QueryDict(data["query"].removeprefix("?")))
        data["query"] = query.address(view=None).removeprefix("?")
    new, form = view.pk is None, SavedViewForm(data, instance=view)
    wrong = [str(words) for errors in form.errors.values() for words in errors]
    if not wrong:
        try:
            saved.save(form.save(commit=False))
        except saved.NotSavedError as error:
            wrong = [error.words]
    if wrong:
        say(request, " ".join(wrong), level="bad")
        back = reverse("number-list") + "?" + data.get("query", "") if new else reverse("view-list")
        return HttpResponseRedirect(back, status=303)
    say(request, f"The view “{view.name}” is saved.")
    return HttpResponseRedirect(reverse("number-list") + address_of(view), status=303)


@allow(VIEWER)
@require_safe
def number_counts(request: Any) -> HttpResponse:
    """The tabs of the views with how many numbers each has; asked for after the page, so that it never waits."""
    views = views_of(request)
    counts = counts_of(request.person, [read_query(request, QueryDict(view["query"]))[1] for view in views])
    for view, count in zip(views, counts, strict=True):
        view["count"] = count
    return fragment(request, "_counts.html", {"views": views, "counted": True})
