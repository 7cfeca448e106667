"""Shape of a file on the wire."""

from common.http.body import Output
from tickets.files.record import ListingFile


class FileOutput(Output):
    """type: `application/pdf` or `image/jpeg`. bytes: Of the file as it is downloaded."""

    name: str
    type: str
    bytes: int
    pages: int

    @classmethod
    def of(cls, file: ListingFile) -> "FileOutput":
        return cls.model_construct(name=file.name, type=file.type, bytes=file.bytes, pages=len(file.pages))
