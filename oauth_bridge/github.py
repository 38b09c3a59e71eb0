"""Linking a developer's GitHub identity: its id and login, shown in the dashboard.

routes/github.py calls it. Unlinking is connections.py's: it needs no word with GitHub.
"""

import logging

from oauth_bridge.connect import Away
from oauth_bridge.handshakes import Handshakes
from oauth_bridge.platforms import Platforms
from oauth_bridge.repositories.github_links import GitHubLink, GitHubLinks
from shared.adapters.github import GitHub, GitHubFailed
from shared.adapters.system import Clock
from shared.domain.periods import timestamp
from shared.domain.principal import Developer

logger = logging.getLogger("dream_api.connect")

PROVIDER = "github"


class GitHubLinking:
    """GitHub identities of developers."""

    def __init__(
        self, github: GitHub, handshakes: Handshakes, platforms: Platforms, links: GitHubLinks, clock: Clock
    ) -> None:
        self._github = github
        self._handshakes = handshakes
        self._platforms = platforms
        self._links = links
        self._clock = clock

    async def begin(self, developer: Developer) -> Away:
        begun = await self._handshakes.begin(PROVIDER, developer.user_id, await self._platforms.of(developer))
        return Away(self._github.start_url(begun.state, begun.challenge), begun.browser)

    async def finish(
        self, state: str | None, browser: str | None, code: str | None, error: str | None, issuers: list[str]
    ) -> str:
        """What became of it, in a word: linked, denied, refused, failed or invalid_state."""
        handshake = await self._handshakes.end(PROVIDER, state, browser)
        if handshake is None or handshake.verifier is None:
            return "invalid_state"
        if issuers not in ([], [self._github.issuer]):
            return "refused"  # another server's answer, mixed in
        if error is not None or not code:
            return "denied" if error == "access_denied" else "refused"
        try:
            user = await self._github.finish(code, handshake.verifier)
        except GitHubFailed as failure:
            facts = {"platformId": handshake.platform_id, "why": str(failure)}
            logger.warning("github exchange failed", extra={"facts": facts})
            return "failed"
        await self._links.save(handshake.platform_id, GitHubLink(user.id, user.login, timestamp(self._clock())))
        return "linked"
