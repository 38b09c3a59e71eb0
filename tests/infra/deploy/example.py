"""An environment for tests: the example that operators copy, under another name."""

from pathlib import Path

from infra.deploy.environment import FOLDER, Environment, load

EXAMPLE = (FOLDER / "example.toml").read_text()
ENVIRONMENT: Environment = load("example").model_copy(update={"name": "staging"})


def written(folder: Path, *changes: tuple[str, str], name: str = "staging") -> Path:
    """A folder with the example as that environment's file, some texts in it replaced."""
    text = EXAMPLE
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new)
    (folder / f"{name}.toml").write_text(text)
    return folder
