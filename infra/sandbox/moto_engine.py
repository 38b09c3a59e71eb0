"""moto's DynamoDB server behind one lock: the engine that needs nothing but Python, kept in memory.

The tests run it in a thread (`running`), the sandbox as a process where the native engine can't be had. moto is not
atomic under threads, so one lock lets one request in at a time.
"""

import argparse
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import BaseWSGIServer, ThreadedWSGIServer, WSGIRequestHandler


class _OneAtATime:
    """A WSGI app that lets one request at a time into another."""

    def __init__(self, app: Any) -> None:
        self._app = app
        self._lock = threading.Lock()

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        with self._lock:
            return list(self._app(environ, start_response))


class _Quiet(WSGIRequestHandler):
    """Keeps connections open between requests, as the real service does, and logs none of them."""

    protocol_version = "HTTP/1.1"

    def log(self, *_: Any, **__: Any) -> None:
        """A line a request would drown what the sandbox has to say."""


def server(port: int) -> BaseWSGIServer:
    """A server on loopback; port 0 takes a free one."""
    app = _OneAtATime(DomainDispatcherApplication(create_backend_app))
    return ThreadedWSGIServer("127.0.0.1", port, app, handler=_Quiet)


@contextmanager
def running() -> Iterator[str]:
    """The address of an engine in a thread of this process."""
    made = server(0)
    thread = threading.Thread(target=made.serve_forever, name="moto", daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{made.server_port}"
    finally:
        made.shutdown()
        thread.join()
        made.server_close()


def main() -> None:
    """`python -m infra.sandbox.moto_engine --port P`."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    server(parser.parse_args().port).serve_forever()


if __name__ == "__main__":
    main()
