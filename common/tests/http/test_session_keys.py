import pytest

from common.http.session_keys import PrivateKey, PublicKey, checked_secret, public_keys

SEED = "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A"
PUBLIC = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"
SECRET = "a key of more than thirty-two bytes"


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
    assert SEED not in repr(PrivateKey.parse(f"ed25519:{SEED}"))


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
            f"ed25519:{SEED},",
            f"ed25519:{SEED},{SECRET}",
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


def test_public_keys_are_known_by_their_ids() -> None:
    other = PrivateKey.generate().public

    assert public_keys(f"{PUBLIC}, {other.text}") == {key.id: key for key in (PublicKey.parse(PUBLIC), other)}
    assert public_keys("") == {}
    with pytest.raises(ValueError, match="not 32 bytes"):
        public_keys(f"{PUBLIC},")


def test_a_secret_is_long_and_no_private_key() -> None:
    assert checked_secret(SECRET) == SECRET
    assert checked_secret("s" * 32) == "s" * 32
    with pytest.raises(ValueError, match="shorter"):
        checked_secret("s" * 31)
    with pytest.raises(ValueError, match="a private key"):
        checked_secret(f"ed25519:{SEED}")
