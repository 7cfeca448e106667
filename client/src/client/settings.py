from common.settings import HttpUrl, ServiceSettings, SessionSettings


class Settings(ServiceSettings, SessionSettings):
    api_base_url: HttpUrl
    """The edge, which serves the APIs and these pages under one origin."""
