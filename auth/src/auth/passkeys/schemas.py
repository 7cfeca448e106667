"""Request and response schemas of passkeys."""

from auth.passkeys.domain import Passkey
from auth.passkeys.fields import AddedField, AnswerField, NameField, UsedField
from auth.schemas import BESIDE_PASSKEY, OwnPasswordField
from common.base.times import iso
from common.http.body import Input, Output


class ProofInput(Input):
    """The password, or a passkey that the account has already."""

    passkey: UsedField = None
    password: OwnPasswordField = BESIDE_PASSKEY


class AddInput(Input):
    name: NameField
    credential: AddedField


class RenameInput(Input):
    name: NameField


class PasskeySignInInput(Input):
    credential: AnswerField


class PasskeyOutput(Output):
    """created, last_used: ISO 8601 in UTC; null for a passkey that was not used yet."""

    id: str
    name: str
    created: str
    last_used: str | None

    @classmethod
    def of(cls, passkey: Passkey) -> "PasskeyOutput":
        last = None if passkey.used_at is None else iso(passkey.used_at)
        return cls.model_construct(id=passkey.id, name=passkey.name, created=iso(passkey.at), last_used=last)
