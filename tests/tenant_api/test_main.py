"""Starting tenant_api with settings that can't be used."""

import subprocess
import sys


def test_unusable_settings_are_told_all_at_once_and_without_secrets() -> None:
    environment = {
        "PATH": "",
        "TENANT_API_PORT": "70000",
        "END_USER_CLERK__PUBLISHABLE_KEY": "pk_test_!",
        "END_USER_CLERK__SECRET_KEY": "hush-hush",
    }
    ended = subprocess.run(
        [sys.executable, "-m", "tenant_api"], check=False, env=environment, capture_output=True, text=True
    )
    assert ended.returncode == 2
    assert "TENANT_API_PORT" in ended.stderr
    assert "END_USER_CLERK" in ended.stderr
    assert "hush" not in ended.stderr
    assert "Traceback" not in ended.stderr
