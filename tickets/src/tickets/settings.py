from typing import Annotated

from pydantic import Field

from common.runtime.settings import BrokerSettings, MongoUri, ServiceSettings, SessionSettings


class Settings(ServiceSettings, SessionSettings, BrokerSettings):
    mongo_uri: MongoUri
    max_listings: Annotated[int, Field(ge=1, le=1_000_000)] = 100
    """Listings of one seller that are on sale or held."""
    listings_per_hour: Annotated[int, Field(ge=0, le=1_000)] = 30
    """New listings of one seller in any hour; 0 for any number."""
    max_markup_percent: Annotated[int, Field(ge=0, le=10_000)] | None = None
    """How far a price may be above the face value, which has to be given then; None for no limit."""
    search_dir: str = ""
    """Folder of the search index, on a disk that may be lost; empty: the database searches."""
