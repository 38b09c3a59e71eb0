"""Bytes on a socket, as an attacker sends them, and whatever comes back."""

import asyncio

SILENCE_SECONDS = 1.0


async def spoken(
    address: tuple[str, int], *parts: bytes, pause: float = 0.0, silence: float = SILENCE_SECONDS
) -> bytes:
    """Everything that is answered until the server closes, or says nothing for a while after the last part."""
    reader, writer = await asyncio.open_connection(*address)
    heard = asyncio.create_task(_heard(reader))
    try:
        for part in parts:
            writer.write(part)
            await writer.drain()
            await asyncio.sleep(pause)
        await asyncio.wait([heard], timeout=silence)
    except ConnectionError:
        pass  # it has closed already, and said why
    writer.close()
    return await heard


async def _heard(reader: asyncio.StreamReader) -> bytes:
    answered = bytearray()
    try:
        while chunk := await reader.read(65536):
            answered += chunk
    except ConnectionError:
        pass
    return bytes(answered)


def status(answered: bytes) -> int:
    """The status of the first answer; 0 for none."""
    return int(answered.split(b" ", 2)[1]) if answered else 0
