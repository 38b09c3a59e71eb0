import pytest
from cryptography.fernet import Fernet

from platform_api.sealing import Seal, Unopenable

OLD, NEW = Fernet.generate_key().decode(), Fernet.generate_key().decode()


@pytest.mark.parametrize("keys", ["", " , ", "short", f"{OLD},short"], ids=["none", "blank", "short", "one short"])
def test_refuses_unusable_keys(keys: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        Seal(keys)


def test_refuses_a_key_that_was_sealed_for_another_platform() -> None:
    sealed = Seal(OLD).seal("plt_a", "pk_live_a")
    with pytest.raises(Unopenable, match="plt_b"):
        Seal(OLD).open("plt_b", sealed)


def test_refuses_what_no_configured_key_sealed() -> None:
    sealed = Seal(OLD).seal("plt_a", "pk_live_a")
    with pytest.raises(Unopenable, match="CREDENTIAL_KEYS"):
        Seal(NEW).open("plt_a", sealed)


def test_refuses_a_changed_ciphertext() -> None:
    sealed = Seal(OLD).seal("plt_a", "pk_live_a")
    changed = sealed[:-6] + ("A" if sealed[-6] != "A" else "B") + sealed[-5:]
    with pytest.raises(Unopenable):
        Seal(OLD).open("plt_a", changed)


def test_the_first_key_seals_and_every_key_opens() -> None:
    before = Seal(OLD).seal("plt_a", "pk_live_a")
    both = Seal(f"{NEW}, {OLD}")
    assert both.open("plt_a", before) == "pk_live_a"
    assert Seal(NEW).open("plt_a", both.seal("plt_a", "pk_live_b")) == "pk_live_b"


def test_the_sealed_form_does_not_show_the_key() -> None:
    assert "pk_live_a" not in Seal(OLD).seal("plt_a", "pk_live_a")
