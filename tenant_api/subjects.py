"""Whose billing it is: an end-user of one platform, as one text. Used wherever tenant_api's billing records are."""

from shared.domain.principal import EndUser

_PLATFORM_CHARACTERS = len("plt_") + 32


def subject(platform_id: str, user_id: str) -> str:
    """Platform ids are all of one length, so no two end-users share a subject."""
    return f"{platform_id}:{user_id}"


def subject_of(end_user: EndUser) -> str:
    return subject(end_user.platform_id, end_user.user_id)


def parts(text: str) -> tuple[str, str]:
    """The platform id and the user id in a subject."""
    return text[:_PLATFORM_CHARACTERS], text[_PLATFORM_CHARACTERS + 1 :]
