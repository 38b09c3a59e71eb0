"""The GitHub identity of a platform's developer, in tenant-tokens. Called by oauth_bridge.github."""

from dataclasses import dataclass

from shared.adapters.dynamodb import Dynamo, delete, put


@dataclass(frozen=True, slots=True)
class GitHubLink:
    """`linked_at` is an ISO timestamp."""

    id: int
    login: str
    linked_at: str


class GitHubLinks:
    """The `github` items of platforms."""

    def __init__(self, dynamo: Dynamo, table: str) -> None:
        self._dynamo = dynamo
        self._table = table

    async def find(self, platform_id: str) -> GitHubLink | None:
        item = await self._dynamo.get(self._table, _key(platform_id))
        return None if item is None else GitHubLink(int(item["githubId"]), item["login"], item["linkedAt"])

    async def save(self, platform_id: str, link: GitHubLink) -> None:
        known = {"githubId": link.id, "login": link.login, "linkedAt": link.linked_at}
        await self._dynamo.write(put(self._table, _key(platform_id) | known))

    async def remove(self, platform_id: str) -> None:
        await self._dynamo.write(delete(self._table, _key(platform_id)))


def _key(platform_id: str) -> dict[str, str]:
    return {"pk": f"platform:{platform_id}", "sk": "github"}
