"""Linking GitHub over HTTP: whose answers are refused, and what is kept of an identity."""

from typing import Any

from tests.oauth_bridge.world import Person, World, query


async def agreed(town: World, person: Person, **fields: str) -> dict[str, str]:
    """Say yes on GitHub's page; what the return brings."""
    asked = await person.leave("github")
    answer = await town.github.post(
        "/login/oauth/authorize", data=asked | {"login": "octo-anna", "decision": "authorize"} | fields
    )
    assert answer.status_code == 303, answer.text
    return query(answer.headers["location"])


async def linked(person: Person) -> Any:
    return (await person.connections())["github"]


async def test_a_return_without_a_state_of_this_browser_is_refused(town: World) -> None:
    anna, bert = await town.person(), await town.person()
    brought = await agreed(town, anna)
    await bert.leave("github")
    assert await bert.come_back("github", **brought) == "invalid_state"
    assert await anna.come_back("github", **brought | {"state": "x" * 43}) == "invalid_state"
    assert await anna.come_back("stripe", **brought) == "invalid_state"
    assert not (await linked(anna))["linked"]
    assert not (await linked(bert))["linked"]
    assert await anna.come_back("github", **brought) == "linked"
    assert await anna.come_back("github", **brought) == "invalid_state"


async def test_an_answer_of_another_server_is_refused_and_one_that_names_none_is_taken(town: World) -> None:
    anna = await town.person()
    brought = await agreed(town, anna)
    assert brought["iss"] == town.github.base_url.join("/login/oauth")
    assert await anna.come_back("github", **brought | {"iss": "https://evil.example.com"}) == "refused"
    brought = await agreed(town, anna)
    doubled = await anna.browser.get("/github/callback", params=[*brought.items(), ("iss", "https://evil.example.com")])
    assert query(doubled.headers["location"]) == {"github": "refused"}
    assert not (await linked(anna))["linked"]
    brought = await agreed(town, anna)
    del brought["iss"]
    assert await anna.come_back("github", **brought) == "linked"


async def test_a_code_that_was_asked_for_by_somebody_else_is_not_taken(town: World) -> None:
    anna, mallory = await town.person(), await town.person()
    stolen = (await agreed(town, mallory))["code"]
    brought = await agreed(town, anna)
    assert await anna.come_back("github", **brought | {"code": stolen}) == "failed"  # PKCE: another verifier
    assert not (await linked(anna))["linked"]


async def test_a_denial_comes_back_as_a_word(town: World) -> None:
    anna = await town.person()
    assert await anna.come_back("github", **await agreed(town, anna, decision="cancel")) == "denied"
    state = (await anna.leave("github"))["state"]
    assert await anna.come_back("github", state=state, error="application_suspended") == "refused"
    state = (await anna.leave("github"))["state"]
    assert await anna.come_back("github", state=state, code="unknown") == "failed"


async def test_id_and_login_are_kept_and_nothing_else_until_it_is_unlinked(town: World) -> None:
    anna = await town.person()
    assert await anna.come_back("github", **await agreed(town, anna)) == "linked"
    shown = await linked(anna)
    assert (shown["linked"], shown["login"]) == (True, "octo-anna")
    assert isinstance(shown["id"], int)
    key = {"pk": f"platform:{anna.platform_id}", "sk": "github"}
    item = await town.dynamo.get(town.settings.table("tenant-tokens"), key)
    assert item is not None
    assert set(item) == {"pk", "sk", "githubId", "login", "linkedAt"}
    answer = await anna.ask("POST", "/github/unlink")
    assert answer.json()["github"] == {"available": True, "linked": False, "id": None, "login": None, "linkedAt": None}
    assert await town.dynamo.get(town.settings.table("tenant-tokens"), key) is None
