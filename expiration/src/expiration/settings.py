from common.runtime.settings import RedisUrl, ServiceSettings, StreamSettings


class Settings(ServiceSettings, StreamSettings):
    redis_url: RedisUrl
