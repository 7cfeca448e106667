from common.runtime.settings import BrokerSettings, HttpUrl, ServiceSettings


class Settings(ServiceSettings, BrokerSettings):
    pass


class ModerationSettings(Settings):
    blocked_words: str = "orange"
    """With commas between; a comment that holds one of them, in any case, is rejected."""
    moderation_seconds: float = 0.0
    """How long a comment is thought about."""


class PageSettings(ServiceSettings):
    api_base_url: HttpUrl
