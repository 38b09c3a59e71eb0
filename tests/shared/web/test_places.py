"""Who finds no place is told in a few bytes, keeps the connection, and is counted in one line a second."""

import asyncio
import io
import json
import logging
from urllib.parse import urlsplit

from shared.web.lines import JsonLines
from shared.web.places import Places
from tests.shared.web.test_guard import GOOD, Busy


class Ticks:
    def __init__(self) -> None:
        self.now = 10.0

    def __call__(self) -> float:
        return self.now


def test_is_full_at_its_number_and_not_before() -> None:
    places = Places(2)
    assert [places.full for places.taken in (0, 1, 2, 3)] == [False, False, True, True]


def test_tells_once_a_second_how_many_were_turned_away() -> None:
    written, ticks = io.StringIO(), Ticks()
    handler = logging.StreamHandler(written)
    handler.setFormatter(JsonLines())
    logging.getLogger("dream_api").addHandler(handler)
    places = Places(1, ticks)
    for _ in range(1000):
        places.turn_away()
    ticks.now += 1
    places.turn_away()
    logging.getLogger("dream_api").removeHandler(handler)
    lines = [json.loads(line) for line in written.getvalue().splitlines()]
    assert [(line["event"], line["turnedAway"]) for line in lines] == [("overloaded", 1), ("overloaded", 1000)]


async def test_a_connection_that_was_turned_away_is_served_a_moment_later_body_and_all() -> None:
    busy = Busy(max_in_flight=1)
    async with busy.served() as http:
        held = asyncio.create_task(http.get("/work", headers=GOOD))
        while not held.done() and (await http.get("/mine", headers=GOOD)).status_code != 503:
            await asyncio.sleep(0.01)
        url = urlsplit(str(http.base_url))
        reader, writer = await asyncio.open_connection("127.0.0.1", url.port)
        asked = b"POST /body HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer good\r\nContent-Length: 5\r\n\r\n"
        writer.write(asked + b"first")
        refused = await reader.readuntil(b"}")
        assert refused.startswith(b"HTTP/1.1 503")
        assert b"retry-after: " in refused
        assert b"connection: close" not in refused
        busy.go.set()
        await held
        writer.write(asked + b"other")
        assert (await reader.readuntil(b"}")).endswith(b'{"bytes":5}')
        writer.close()
