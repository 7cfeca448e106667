from common.runtime.settings import BrokerSettings, RedisUrl, ServiceSettings


class Settings(ServiceSettings, BrokerSettings):
    redis_url: RedisUrl
