from common.runtime.settings import BrokerSettings, HttpUrl, ServiceSettings


class Settings(ServiceSettings, BrokerSettings):
    pass


class ModerationSettings(Settings):
    blocked_words: str = "orange"
    """Words separated by commas. A comment that contains one, in upper or lower case, is rejected."""
    moderation_seconds: float = 0.0
    """Delay from a comment's arrival to its moderation, in seconds."""


class PageSettings(ServiceSettings):
    api_base_url: HttpUrl
