"""The Close API and nothing but: https://developer.close.com/api. Knows no Django; the only place with requests."""

from .api import (
    group,
    groups,
    me,
    organization,
    phone_number,
    phone_number_pages,
    phone_numbers,
    roles,
    update_phone_number,
    user,
    users,
)
from .client import Client
from .errors import (
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
from .pacing import GroupState, LocalPacer, Pacer, RateLimit
from .paging import Page
from .records import (
    GroupRecord,
    MemberRecord,
    MembershipRecord,
    MeRecord,
    OrganizationRecord,
    PhoneNumberRecord,
    RoleRecord,
)

__all__ = [
    "AuthenticationError",
    "Client",
    "CloseError",
    "ConnectionFailedError",
    "ForbiddenError",
    "GroupRecord",
    "GroupState",
    "InvalidRequestError",
    "LocalPacer",
    "MeRecord",
    "MemberRecord",
    "MembershipRecord",
    "NotFoundError",
    "OrganizationRecord",
    "Pacer",
    "Page",
    "PhoneNumberRecord",
    "PlanLimitError",
    "RateLimit",
    "RateLimitError",
    "RoleRecord",
    "ServerError",
    "group",
    "groups",
    "me",
    "organization",
    "phone_number",
    "phone_number_pages",
    "phone_numbers",
    "roles",
    "update_phone_number",
    "user",
    "users",
]
