"""Which platform an end-user of the Clerk app belongs to: claimed once, and never by two platforms."""

from shared.adapters.dynamodb import ConditionFailed, Dynamo, put


class Members:
    """The `member:{userId}` items of tenant-tokens. Clerk has no conditional write; this table has."""

    def __init__(self, dynamo: Dynamo, table: str) -> None:
        self._dynamo = dynamo
        self._table = table

    async def claim(self, user_id: str, platform_id: str, joined_at: str) -> str:
        """The platform that the user belongs to from now on: this one, or the one that came first."""
        item = {**_key(user_id), "platformId": platform_id, "joinedAt": joined_at}
        try:
            await self._dynamo.write(put(self._table, item, "attribute_not_exists(pk)"))
        except ConditionFailed as error:
            if error.item is None:  # it was there and is gone: nobody takes memberships away
                raise
            return str(error.item["platformId"])
        return platform_id


def _key(user_id: str) -> dict[str, str]:
    return {"pk": f"member:{user_id}", "sk": "member"}
