"""`python -m platform_api`: settings, then the server. The only place where the environment is read."""

from starlette.applications import Starlette

from platform_api import app
from platform_api.settings import load
from shared.web import log
from shared.web.serve import serve, settings_or_exit


def application() -> Starlette:
    """The app of one server process; uvicorn calls it in each."""
    settings = load()
    log.configure(settings.log_level)
    return app.build(settings)


def main() -> None:
    settings = settings_or_exit("platform_api", load)
    serve("platform_api.__main__:application", settings, settings.port)


if __name__ == "__main__":
    main()
