import pytest

from common.http.session_keys import PrivateKey, PublicKey, SigningKeys, checked_shared, public_keys

SEED = "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A"
PUBLIC = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"
SHARED = "the key that all services shared before"


def test_a_key_has_the_id_of_the_standard() -> None:
    """RFC 8037, appendices A.1 to A.3."""
    key = PrivateKey.parse(f"ed25519:{SEED}")

    assert key.public == PublicKey.parse(PUBLIC)
    assert key.public.text == PUBLIC
    assert key.public.id == "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"


def test_each_key_is_new_and_one_line() -> None:
    one, other = PrivateKey.generate(), PrivateKey.generate()

    assert one.public.id != other.public.id
    assert PrivateKey.parse(one.text).public == one.public
    assert len(one.text.split()) == 1


def test_no_representation_shows_a_secret() -> None:
    keys = SigningKeys.parse(f"ed25519:{SEED},{SHARED}")

    assert SEED not in repr(keys)
    assert SHARED not in repr(keys)


@pytest.mark.parametrize(
    "text",
    [
        *(
            "",
            SEED,
            "ed25519:",
            f"ed25519:{SEED[:-1]}",
            f"ed25519:{SEED}A",
            f"ed25519:{SEED}=",
            "Ed25519:" + SEED,
        ),
        *(
            f"ed25519: {SEED}",
            f"ed25519:{SEED}\n",
            f"ed25519:{SEED[:-1]}B",
            f"ed25519:{'+' * 43}",
            "ed25519:\u00ff",
        ),
    ],
)
def test_a_private_key_of_another_form_is_refused_and_not_repeated(text: str) -> None:
    with pytest.raises(ValueError, match="not ") as refused:
        PrivateKey.parse(text)

    assert not text or text not in str(refused.value)
    assert SEED not in str(refused.value)
    assert refused.value.__cause__ is None


@pytest.mark.parametrize(
    "text", [f"ed25519:{SEED}", PUBLIC[:-1], PUBLIC + "=", PUBLIC[:-1] + "p", " " + PUBLIC]
)
def test_a_public_key_of_another_form_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"not 32 bytes|a private key"):
        PublicKey.parse(text)


def test_the_private_key_may_be_followed_by_the_shared_key_of_the_release_before() -> None:
    both = SigningKeys.parse(f"ed25519:{SEED},{SHARED},with a comma")

    assert both.private == PrivateKey.parse(f"ed25519:{SEED}")
    assert both.shared == f"{SHARED},with a comma"
    assert SigningKeys.parse(f"ed25519:{SEED}").shared == ""
    assert SigningKeys.parse(SHARED) == SigningKeys(None, SHARED)


@pytest.mark.parametrize("text", ["", "short", f"ed25519:{SEED},", f"ed25519:{SEED},short", "ed25519:x"])
def test_keys_that_sign_are_refused_in_any_other_form(text: str) -> None:
    with pytest.raises(ValueError, match=r"shorter|not 32 bytes"):
        SigningKeys.parse(text)


def test_public_keys_are_known_by_their_ids() -> None:
    other = PrivateKey.generate().public

    assert public_keys(f"{PUBLIC}, {other.text}") == {key.id: key for key in (PublicKey.parse(PUBLIC), other)}
    assert public_keys("") == {}
    with pytest.raises(ValueError, match="not 32 bytes"):
        public_keys(f"{PUBLIC},")


def test_a_shared_key_is_no_private_key() -> None:
    assert checked_shared(SHARED) == SHARED
    with pytest.raises(ValueError, match="a private key"):
        checked_shared(f"ed25519:{SEED}")
