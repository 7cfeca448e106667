from common.runtime.settings import MongoUri, ServiceSettings, SessionSettings, StreamSettings


class Settings(ServiceSettings, SessionSettings, StreamSettings):
    mongo_uri: MongoUri
