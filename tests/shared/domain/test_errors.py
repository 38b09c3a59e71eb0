"""The error tree: each refusal fixes its status and code at birth, and no two say the same."""

from collections.abc import Iterator

from shared.domain.errors import ApiError


def tree(kind: type[ApiError] = ApiError) -> Iterator[type[ApiError]]:
    yield kind
    for child in kind.__subclasses__():
        yield from tree(child)


def own() -> list[type[ApiError]]:
    return [kind for kind in tree() if kind.__module__ == "shared.domain.errors"]


def test_no_two_errors_share_a_code() -> None:
    codes = [kind.code for kind in own()]
    assert len(codes) == len(set(codes))


def test_every_refusal_has_a_client_or_availability_status() -> None:
    for kind in own():
        assert kind is ApiError or kind.status in {*range(400, 500), 503}


def test_an_error_carries_its_sentence_facts_and_wait() -> None:
    error = ApiError("No.", retry_after_seconds=3, limit=5)
    assert (str(error), error.message, error.facts, error.retry_after_seconds) == ("No.", "No.", {"limit": 5}, 3)
