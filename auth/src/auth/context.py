"""What the use cases of an account work with."""

from dataclasses import dataclass

from auth.deletions import Deletions
from auth.hash_queue import HashQueue
from auth.passkeys.challenges import Challenges
from auth.passkeys.relying_party import RelyingParty
from auth.ports import SessionEnder
from auth.repository import Repositories


@dataclass(frozen=True, slots=True)
class AccountContext:
    repositories: Repositories
    hashing: HashQueue
    sessions: SessionEnder
    party: RelyingParty
    challenges: Challenges
    deletions: Deletions
