"""What the use cases of an account work with."""

from dataclasses import dataclass

from auth.hash_queue import HashQueue
from auth.ports import SessionEnder
from auth.repository import Repositories


@dataclass(frozen=True, slots=True)
class AccountContext:
    repositories: Repositories
    hashing: HashQueue
    sessions: SessionEnder
