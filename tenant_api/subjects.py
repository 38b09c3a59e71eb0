"""Whose billing and whose usage it is: an end-user of one platform, as one text.

Used wherever tenant_api's billing records and usage items are. Platform ids are all of one length, so no two end-users
share a subject.
"""

from shared.domain.principal import EndUser

_PLATFORM_CHARACTERS = len("plt_") + 32
_USAGE = "usage:"


def subject(platform_id: str, user_id: str) -> str:
    return f"{platform_id}:{user_id}"


def subject_of(end_user: EndUser) -> str:
    return subject(end_user.platform_id, end_user.user_id)


def parts(text: str) -> tuple[str, str]:
    """The platform id and the user id in a subject."""
    return text[:_PLATFORM_CHARACTERS], text[_PLATFORM_CHARACTERS + 1 :]


def usage_subject(platform_id: str, user_id: str) -> str:
    """What an end-user's calls are counted under."""
    return f"{_USAGE}{platform_id}:{user_id}"


def usage_platform(text: str) -> str | None:
    """The platform id in a subject of calls; None for what else is counted."""
    return text[len(_USAGE) : len(_USAGE) + _PLATFORM_CHARACTERS] if text.startswith(_USAGE) else None


def usage_parts(text: str) -> tuple[str, str] | None:
    """The platform id and the user id in a subject of calls; None for what else is counted."""
    return parts(text[len(_USAGE) :]) if text.startswith(_USAGE) else None
