from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field
from pydantic_settings import NoDecode

from common.http.session_keys import checked_secret
from common.runtime.settings import BrokerSettings, MongoUri, SecretKey, ServiceSettings, SessionSettings
from tickets.files.store import checked_url


def _keys(given: object) -> object:
    return tuple(checked_secret(key.strip()) for key in given.split(",")) if isinstance(given, str) else given


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
    files_url: Annotated[str, AfterValidator(checked_url)]
    """Object store of the files of listings, such as `s3://bucket/prefix` or `file:///folder`."""
    files_key: Annotated[tuple[str, ...], NoDecode, BeforeValidator(_keys), Field(repr=False)]
    """Keys that wrap each file's own, with commas between: the first wraps, all unwrap."""
    barcode_key: SecretKey
    """Key of the hashes of barcodes. It stays when the files' keys rotate."""
