from common.runtime.settings import BrokerSettings, MongoUri, ServiceSettings, SessionSettings


class Settings(ServiceSettings, SessionSettings, BrokerSettings):
    mongo_uri: MongoUri
