from common.settings import MongoUri, NatsUrl, ServiceSettings, SessionSettings


class Settings(ServiceSettings, SessionSettings):
    mongo_uri: MongoUri
    nats_url: NatsUrl
