from common.settings import RedisUrl, ServiceSettings, StreamSettings


class Settings(ServiceSettings, StreamSettings):
    redis_url: RedisUrl
