from common.settings import BrokerSettings, HttpUrl, ServiceSettings, SessionSettings


class Settings(ServiceSettings, SessionSettings, BrokerSettings):
    api_base_url: HttpUrl
    """The edge, which serves the APIs and these pages under one origin."""
