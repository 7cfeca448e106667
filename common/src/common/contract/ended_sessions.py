"""Where the events of ended sessions are: each service with a session reads them."""

from common.contract.events import Subject

SUBJECT = f"{Subject.SESSION_ENDED}.*"
