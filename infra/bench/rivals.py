"""What the product is measured beside: a bare endpoint, the plain design, and a counter on Redis.

`python -m infra.bench.rivals ceiling|plain|redis --port P [--workers N]` serves one with the product's own server
settings. The bare endpoint is the ceiling: nothing on this framework can be faster. The plain design writes once a
call through the SDK from a thread pool. The Redis counter is a script that decides and counts month and minute.
"""

import argparse
import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from functools import partial
from typing import Any

import boto3
import redis.asyncio
import uvicorn
from botocore.config import Config
from botocore.exceptions import ClientError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

THREADS = 32
LIMIT = 1_000_000_000
COUNT = """
local month = tonumber(redis.call('HGET', KEYS[1], 'm:' .. ARGV[1]) or '0')
local minute = tonumber(redis.call('GET', KEYS[2]) or '0')
if month + 1 > tonumber(ARGV[2]) then return {0, month} end
if minute + 1 > tonumber(ARGV[3]) then return {1, month} end
redis.call('INCR', KEYS[2])
redis.call('EXPIRE', KEYS[2], 120)
return {2, redis.call('HINCRBY', KEYS[1], 'm:' .. ARGV[1], 1)}
"""


async def bare(_request: Request) -> Response:
    return JSONResponse({"success": True, "usage": {"count": 1, "limit": LIMIT, "remaining": LIMIT, "plan": "free"}})


def ceiling() -> Starlette:
    return Starlette(routes=[Route("/api/data", bare, methods=["POST"])])


def plain() -> Starlette:
    pool = ThreadPoolExecutor(THREADS)
    config = Config(retries={"total_max_attempts": 1}, max_pool_connections=THREADS)
    client = boto3.client("dynamodb", endpoint_url=os.environ["DYNAMODB_ENDPOINT"], config=config)
    table = os.environ["TABLE_PREFIX"] + "tenant-usage"

    def write(user: str) -> int | None:
        try:
            answer = client.update_item(
                TableName=table,
                Key={"pk": {"S": f"usage:plain:{user}"}, "sk": {"S": "usage"}},
                UpdateExpression="ADD #used :one",
                ConditionExpression="attribute_not_exists(#used) OR #used < :limit",
                ExpressionAttributeNames={"#used": "usageCount"},
                ExpressionAttributeValues={":one": {"N": "1"}, ":limit": {"N": str(LIMIT)}},
                ReturnValues="ALL_NEW",
            )
        except ClientError as error:
            if error.response.get("Error", {}).get("Code") == "ConditionalCheckFailedException":
                return None
            raise
        return int(answer["Attributes"]["usageCount"]["N"])

    async def data(request: Request) -> Response:
        user = request.headers["x-user-id"]
        count = await asyncio.get_running_loop().run_in_executor(pool, partial(write, user))
        return _answer(count)

    return Starlette(routes=[Route("/api/data", data, methods=["POST"])])


def on_redis() -> Starlette:
    client = redis.asyncio.Redis(port=int(os.environ["BENCH_REDIS_PORT"]), max_connections=256)
    count: Callable[..., Awaitable[Any]] = client.register_script(COUNT)

    async def data(request: Request) -> Response:
        user, now = request.headers["x-user-id"], datetime.now(UTC)
        keys = [f"usage:{user}", f"minute:{user}:{int(now.timestamp() // 60)}"]
        verdict, used = await count(keys=keys, args=[f"{now:%Y-%m}", LIMIT, LIMIT])
        return _answer(int(used) if verdict == 2 else None)

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        yield
        await client.aclose()

    return Starlette(routes=[Route("/api/data", data, methods=["POST"])], lifespan=lifespan)


def _answer(count: int | None) -> Response:
    if count is None:
        return JSONResponse({"error": "tier_limit_reached"}, 403)
    usage = {"count": count, "limit": LIMIT, "remaining": LIMIT - count, "plan": "free"}
    return JSONResponse({"success": True, "usage": usage})


FACTORIES = {"ceiling": "ceiling", "plain": "plain", "redis": "on_redis"}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("which", choices=sorted(FACTORIES))
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--workers", type=int, default=1)
    asked = parser.parse_args()
    uvicorn.run(
        f"infra.bench.rivals:{FACTORIES[asked.which]}",
        factory=True,
        port=asked.port,
        workers=asked.workers,
        access_log=False,
        log_config=None,
        server_header=False,
        loop="uvloop",
        http="httptools",
        timeout_keep_alive=65,
    )


if __name__ == "__main__":
    main()
