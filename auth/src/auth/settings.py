from common.runtime.settings import MongoUri, ServiceSettings, SessionSettings


class Settings(ServiceSettings, SessionSettings):
    mongo_uri: MongoUri
