"""The style sheet, the script and the icon, from the package itself."""

import hashlib
from importlib.resources import files

from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

_FOR_GOOD = "public, max-age=31536000, immutable"
_ASK_AGAIN = "no-cache"


class Assets(StaticFiles):
    """Served with an ETag. An address that carries the content's hash is good for ever."""

    def __init__(self) -> None:
        super().__init__(packages=[("client", "static")])
        self._versions = {
            file.name: hashlib.sha256(file.read_bytes()).hexdigest()[:12]
            for file in files("client").joinpath("static").iterdir()
            if file.is_file()
        }

    def address(self, name: str) -> str:
        return f"/static/{name}?v={self._versions[name]}"

    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await super().get_response(path, scope)
        current = scope["query_string"].decode("latin-1") == f"v={self._versions.get(path)}"
        response.headers["Cache-Control"] = _FOR_GOOD if current else _ASK_AGAIN
        return response
