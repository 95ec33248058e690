"""The dashboard's addresses. Each name is noun-verb; each view states who may call it (`access.allow`)."""

from django.urls import path
from django.views.generic import RedirectView

from dashboard.access import SIGNED_IN, allow
from dashboard.views import (
    changes,
    health,
    number,
    number_choices,
    number_edit,
    number_export,
    numbers,
    people,
    refresh,
    saved_views,
    settings,
)

urlpatterns = [
    path("", allow(SIGNED_IN)(RedirectView.as_view(pattern_name="number-list", query_string=False)), name="home"),
    path("numbers/", numbers.number_list, name="number-list"),
    path("numbers/export.csv", number_export.number_export, name="number-export"),
    path("numbers/counts/", saved_views.number_counts, name="number-counts"),
    path("numbers/columns/", number_choices.number_columns, name="number-columns"),
    path("numbers/choose/<str:name>/", number_choices.number_choose, name="number-choose"),
    path("numbers/<str:close_id>/row/", numbers.number_row, name="number-row"),
    path("numbers/<str:close_id>/", number.number_detail, name="number-detail"),
    path("numbers/<str:close_id>/head/", number.number_part, {"part": "head"}, name="number-head"),
    path("numbers/<str:close_id>/call/", number.number_part, {"part": "call"}, name="number-call"),
    path("numbers/<str:close_id>/press-1/", number.number_part, {"part": "press-1"}, name="number-press-1"),
    path("numbers/<str:close_id>/history/", number.number_part, {"part": "history"}, name="number-history"),
    path("numbers/<str:close_id>/edit/label/", number_edit.edit_label, name="number-edit-label"),
    path("numbers/<str:close_id>/edit/forwarding/", number_edit.edit_forwarding, name="number-edit-forwarding"),
    path("numbers/<str:close_id>/edit/voicemail/", number_edit.edit_voicemail, name="number-edit-voicemail"),
    path("numbers/<str:close_id>/edit/ringing/", number_edit.edit_ringing, name="number-edit-ringing"),
    path("numbers/<str:close_id>/refresh/", number_edit.number_refresh, name="number-refresh"),
    path("views/", saved_views.view_list, name="view-list"),
    path("views/<int:pk>/", saved_views.view_edit, name="view-edit"),
    path("views/<int:pk>/delete/", saved_views.view_delete, name="view-delete"),
    path("refresh/", refresh.refresh, name="refresh"),
    path("refresh/missing/", refresh.missing, name="refresh-missing"),
    path("changes/", changes.index, name="change-list"),
    path("changes/export.csv", changes.export, name="change-export"),
    path("changes/seen/", changes.seen, name="change-seen"),
    path("changes/<int:pk>/undo/", changes.undo, name="change-undo"),
    path("changes/<int:pk>/settle/", changes.settle, name="change-settle"),
    path("people/", people.people_list, name="people-list"),
    path("people/new/", people.people_new, name="people-new"),
    path("people/<int:pk>/edit/", people.people_edit, name="people-edit"),
    path("people/<int:pk>/row/", people.people_row, name="people-row"),
    path("people/<int:pk>/active/", people.people_active, name="people-active"),
    path("settings/", settings.own_settings, name="settings"),
    path("settings/writes/", settings.writes, name="settings-writes"),
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
]
