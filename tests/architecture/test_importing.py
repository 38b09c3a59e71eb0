"""Importing any module of the product has no effect: no output, no environment needed, no connection, no thread."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]

PROGRAM = """
import importlib, pkgutil, socket, sys, threading
def refuse(event, arguments):
    if event in {"socket.connect", "socket.bind", "subprocess.Popen"}:
        raise RuntimeError(event)
sys.addaudithook(refuse)
for package in ("shared", "platform_api", "tenant_api", "oauth_bridge"):
    for found in pkgutil.walk_packages([package], package + "."):
        importlib.import_module(found.name)
assert threading.active_count() == 1
assert not [name for name in sys.modules if name.startswith("opentelemetry")]  # only where traces are on
"""


def test_importing_every_module_does_nothing() -> None:
    ended = subprocess.run(
        [sys.executable, "-W", "error", "-c", PROGRAM], cwd=ROOT, env={}, check=False, capture_output=True, text=True
    )
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "", "")
