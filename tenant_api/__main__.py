"""`python -m tenant_api`: settings, then the server. The only place where the environment is read."""

from starlette.applications import Starlette

from shared.web import log
from shared.web.serve import serve, settings_or_exit
from tenant_api import app
from tenant_api.settings import load


def application() -> Starlette:
    """The app of one server process; uvicorn calls it in each."""
    settings = load()
    log.configure(settings.log_level)
    return app.build(settings)


def main() -> None:
    settings = settings_or_exit("tenant_api", load)
    serve("tenant_api.__main__:application", settings, settings.port)


if __name__ == "__main__":
    main()
