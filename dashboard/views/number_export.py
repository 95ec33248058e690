"""The number list as a file."""

from typing import Any

from django.http import StreamingHttpResponse
from django.views.decorators.http import require_safe

from dashboard.access import VIEWER, allow
from dashboard.models import PhoneNumber
from dashboard.views.downloads import csv_file
from dashboard.views.number_query import read_query

# The headings are Close's names, so that the file can be read back. Groups and people are for reading only.
HEADER = (
    "id",
    "number",
    "label",
    "type",
    "country",
    "teams",
    "members",
    "forward_to",
    "forward_to_enabled",
    "press_1_to_accept",
    "inbound_ring_duration",
    "voicemail_greeting_url",
    "date_updated",
)


@allow(VIEWER)
@require_safe
def number_export(request: Any) -> StreamingHttpResponse:
    """All numbers of the current view, in its order, made while it is sent."""
    query, numbers = read_query(request)
    rows = numbers.order_by(*query.order()).defer("search_text", "people_sort", "teams_sort")
    return csv_file("numbers", HEADER, (cells(number) for number in rows.iterator(chunk_size=1000)))


def cells(number: PhoneNumber) -> list[Any]:
    """One line: names are joined by commas, nothing in Close is an empty cell."""
    return [
        number.close_id,
        number.number,
        number.label,
        number.type,
        number.country,
        ", ".join(number.team_names),
        ", ".join(entry[1] for entry in number.people),
        number.forward_to,
        number.forward_to_enabled,
        number.press_1_to_accept,
        number.inbound_ring_duration,
        number.voicemail_greeting_url,
        number.updated_in_close,
    ]
