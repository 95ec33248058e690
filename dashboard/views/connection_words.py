"""What Close's permissions let somebody do, in words, and what little is shown of a secret."""

from collections.abc import Iterable

# https://developer.close.com/resources/roles names them; those of these two that exists is all that is needed.
NEEDED = {"manage_group_numbers", "manage_team_phone_numbers"}
PERMISSIONS = {
    "bulk_delete": "delete many things at once",
    "bulk_edit": "edit many leads at once",
    "bulk_email": "send e-mail to many leads at once",
    "bulk_import": "import leads",
    "bulk_sequence_subscriptions": "put many leads into sequences",
    "call_coach_barge": "join calls of others",
    "call_coach_listen": "listen to calls of others",
    "calling": "make calls",
    "delete_leads": "delete leads",
    "delete_own_activities": "delete own activities",
    "delete_own_opportunities": "delete own opportunities",
    "delete_own_tasks": "delete own tasks",
    "export": "export data",
    "manage_customizations": "change custom fields",
    "manage_email_sequences": "change e-mail sequences",
    "manage_organization": "manage the organisation",
    "manage_others_activities": "change activities of others",
    "manage_others_opportunities": "change opportunities of others",
    "manage_others_tasks": "change tasks of others",
    "manage_team_email_templates": "change e-mail templates of the team",
    "manage_team_smart_views": "change smart views of the team",
    "merge_leads": "merge leads",
    "view_all_leads": "see all leads",
}
SHORTEST = 8


def beyond_need(permissions: Iterable[str]) -> list[str]:
    """What somebody with these permissions can do that closephones never does, in words, sorted."""
    return sorted(PERMISSIONS.get(name, name.replace("_", " ")) for name in permissions if name not in NEEDED)


def ends_in(secret: str) -> str:
    """The last four characters of a key or token; nothing of one that is so short that they would be much of it."""
    return secret[-4:] if len(secret) >= SHORTEST else ""
