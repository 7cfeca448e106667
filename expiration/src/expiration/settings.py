from common.settings import NatsUrl, RedisUrl, ServiceSettings


class Settings(ServiceSettings):
    nats_url: NatsUrl
    redis_url: RedisUrl
