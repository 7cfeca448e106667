"""HTML from templates: escaped always, and with what every page shows."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import Depends, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from jinja2 import Environment, PackageLoader, StrictUndefined

from client.assets import Assets
from client.forms import NO_PROBLEMS
from common.identity import current_user


def templates(assets: Assets) -> Environment:
    environment = Environment(
        loader=PackageLoader("client"),
        autoescape=True,
        auto_reload=False,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals["asset"] = assets.address
    environment.filters["query"] = urlencode
    return environment


class Page:
    """Renders for one request. What a signed-in user sees is kept by no cache."""

    def __init__(self, request: Request) -> None:
        self._templates: Environment = request.app.state.templates
        self._user = current_user(request)

    def __call__(self, template: str, status: int = 200, **context: Any) -> Response:
        html = self._templates.get_template(template).render(self._shared(context))
        cache = "private, no-cache" if self._user is None else "no-store"
        return HTMLResponse(html, status, headers={"Cache-Control": cache, "Vary": "Cookie"})

    def part(self, template: str, block: str, **context: Any) -> str:
        """One block of a page, without what is around it. It imports the macros that it uses itself."""
        found = self._templates.get_template(template)
        return "".join(found.blocks[block](found.new_context(self._shared(context))))

    def _shared(self, context: Mapping[str, Any]) -> dict[str, Any]:
        return {"user": self._user, "problems": NO_PROBLEMS, **context}


async def _page(request: Request) -> Page:
    return Page(request)


Pages = Annotated[Page, Depends(_page)]


def see_other(path: str, cookies: Sequence[str] = ()) -> Response:
    """After a form: the browser goes on to `path` by GET, so that a reload repeats nothing."""
    response = RedirectResponse(path, 303, headers={"Cache-Control": "no-store"})
    response.raw_headers.extend((b"set-cookie", cookie.encode("latin-1")) for cookie in cookies)
    return response
