"""The number list in process, by Django's test client: queries, growth, search, and Django's admin beside it."""

from dataclasses import dataclass

from django.conf import settings
from django.db import connection
from django.test import Client, override_settings
from django.test.utils import CaptureQueriesContext

from dashboard.models import Group, Member, PhoneNumber
from tests.bench import data
from tests.bench.report import Row, median, p95, times

RUNS = 15
SORTS = ("number", "label", "team", "members", "forwarding", "press_1", "greeting", "changed")
OURS = "dashboard.middleware."


def client_of(user) -> Client:
    client = Client()
    client.force_login(user, backend=settings.AUTHENTICATION_BACKENDS[0])
    return client


def cases() -> dict[str, str]:
    """Every filter and every order, and some of both, by name: the query string of each."""
    team = Group.objects.filter(gone=False).first().close_id
    member = Member.objects.filter(active=True, numbers__isnull=False).first().close_id
    found = {
        "everything": "",
        "the last page": "page=999999",
        "a page in the middle": f"page={max(1, PhoneNumber.objects.count() // 100)}",
        "team": f"team={team}",
        "person": f"member={member}",
        "type": "type=internal",
        "country": "country=DE",
        "forwarding on": "forwarding=on",
        "forwarding off": "forwarding=off",
        "no target": "forwarding=none",
        "greeting set": "greeting=set",
        "no greeting": "greeting=none",
        "changed in Close": "changed=close",
        "team, forwarding on, by label": f"team={team}&forwarding=on&sort=label",
        "nothing found": "country=ZZ",
    }
    for sort in SORTS:
        found[f"by {sort}"] = f"sort={sort}"
        found[f"by {sort}, descending"] = f"sort=-{sort}"
    return found


def get(client: Client, path: str, **headers):
    response = client.get(path, **headers)
    assert response.status_code == 200, f"{path}: {response.status_code}"
    assert b'id="notes"' not in response.content, f"{path} was not understood."
    return response


@dataclass(frozen=True)
class Case:
    """What was measured of one address: milliseconds (median), queries, rows on the page."""

    ms: float
    queries: int
    rows: int


def measure(user) -> dict[str, Case]:
    """Measure each case once."""
    data.settle()
    client = client_of(user)
    found = {}
    for name, query in cases().items():
        path = f"/numbers/?{query}"
        response = client.get(path)
        assert response.status_code == 200, f"{path}: {response.status_code}"
        with CaptureQueriesContext(connection) as log:
            client.get(path)
        # The next request empties the log.
        queries = len(log)
        ms = median(times(lambda path=path: client.get(path), RUNS))
        found[name] = Case(ms, queries, response.content.count(b'<tr id="number-'))
    return found


def tell_growth(sizes: dict[int, dict[str, Case]]) -> list[Row]:
    """The rows of the table for what was measured at each number of numbers."""
    small, large = min(sizes), max(sizes)
    print(f"\nThe list, 50 rows a page: milliseconds (median of {RUNS}), queries")
    print(f"  {'':<34}" + "".join(f"{size:>12,}" for size in sizes) + "   growth  queries")
    growths, queries = {}, {}
    for name, least in sizes[small].items():
        # With fewer rows to show among a hundred, the time of a full page is what it can be compared with.
        base = least if least.rows == sizes[large][name].rows else sizes[small]["everything"]
        growths[name] = sizes[large][name].ms / base.ms
        queries[name] = max(found[name].queries for found in sizes.values())
        cells = "".join(f"{found[name].ms:>12.1f}" for found in sizes.values())
        print(f"  {name:<34}{cells} {growths[name]:8.2f} {queries[name]:>8}")
    worst = max(growths, key=lambda name: growths[name])
    most = max(queries, key=lambda name: queries[name])
    return [
        Row("list: queries, the most of any filter or order", queries[most], 8, "", note=f"({most})"),
        Row(f"list: growth from {small} to {large:,} numbers, the worst", growths[worst], 2, "×", note=f"({worst})"),
    ]


def search(user) -> Row:
    """Search as people type it, a term after another, as the table asks for it."""
    client = client_of(user)
    some = PhoneNumber.objects.exclude(forward_to="").exclude(label="").order_by("pk")[1000:1012]
    terms = [number.number[-5:] for number in some]
    terms += [number.number[:6] for number in some]
    terms += [number.forward_to[-6:] for number in some]
    terms += [number.label[:9] for number in some]
    terms += [entry[1] for number in some for entry in number.people[:1]]
    terms += ["a", "sa", "49", "sales", "main line", "+49 30", "(0)20 7946", "nobody has this", "support berlin", "é"]
    taken = []
    slowest = (0.0, "")
    for term in terms:
        here = times(lambda term=term: client.get("/numbers/", {"q": term}, headers={"HX-Request": "true"}), 4, 1)
        slowest = max(slowest, (median(here), term))
        taken += here
    count = PhoneNumber.objects.count()
    note = f"(p50 {median(taken):.0f} ms; slowest “{slowest[1]}” {slowest[0]:.0f} ms)"
    return Row(f"search at {count:,}: p95 of {len(taken)}", p95(taken), 60, "ms", note=note)


def against_admin(user, runs: int) -> Row:
    """Our list and the admin's changelist of the same table, in this process, one after the other."""
    without_ours = [name for name in settings.MIDDLEWARE if not name.startswith(OURS)]
    client, theirs_client = client_of(user), client_of(user)
    with override_settings(MIDDLEWARE=without_ours):
        # The admin's views state no rule of ours; its client keeps the middleware that it begins with.
        theirs = times(lambda: get(theirs_client, "/admin/dashboard/phonenumber/"), runs)
    ours = times(lambda: get(client, "/numbers/"), runs)
    count = PhoneNumber.objects.count()
    note = f"(p95 {p95(ours):.0f} ms; admin {p95(theirs):.0f} ms)"
    return Row(f"list at {count:,}: times faster than Django's admin", p95(theirs) / p95(ours), 4, "×", True, note)
