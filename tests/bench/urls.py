"""The site with Django's admin beside it: the same table, with the same columns to edit, 50 rows a page."""

from django.contrib import admin
from django.urls import include, path

from dashboard.models import PhoneNumber


@admin.register(PhoneNumber)
class PhoneNumberAdmin(admin.ModelAdmin):
    """What one would write in a quarter of an hour instead of the number list."""

    list_display = (
        "number",
        "label",
        "teams_sort",
        "people_sort",
        "forward_to",
        "forward_to_enabled",
        "press_1_to_accept",
        "voicemail_greeting_url",
        "updated_in_close",
    )
    list_editable = ("label", "forward_to", "forward_to_enabled", "press_1_to_accept", "voicemail_greeting_url")
    list_per_page = 50
    search_fields = ("search_text",)


urlpatterns = [
    path("admin/", admin.site.urls),
    path("", include("closephones.urls")),
]
