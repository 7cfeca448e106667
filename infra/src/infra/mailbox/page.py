"""The mails that came, as pages and as JSON.

A mail is a stranger's text: its HTML is shown in a frame without scripts, whose links open in a new page.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from aiohttp import web
from jinja2 import Environment, PackageLoader, StrictUndefined

from infra.mailbox.store import Mail, Store

PAGE_POLICY = "default-src 'none'; style-src 'unsafe-inline'; frame-src 'self'; frame-ancestors 'none'"
FRAME_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'self'; "
    "sandbox allow-popups allow-popups-to-escape-sandbox"
)
HOSTS = ("localhost", "127.0.0.1")

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def create_page(store: Store) -> web.Application:
    templates = Environment(loader=PackageLoader("infra.mailbox"), autoescape=True, undefined=StrictUndefined)

    def found(request: web.Request) -> Mail:
        mail = store.get(int(request.match_info["number"]))
        if mail is None:
            raise web.HTTPNotFound()
        return mail

    async def listed(_request: web.Request) -> web.Response:
        return _html(templates.get_template("list.html").render(mails=store.all()), PAGE_POLICY)

    async def as_json(_request: web.Request) -> web.Response:
        return web.json_response([_fields(mail) for mail in store.all()])

    async def one(request: web.Request) -> web.Response:
        return _html(templates.get_template("mail.html").render(mail=found(request)), PAGE_POLICY)

    async def framed(request: web.Request) -> web.Response:
        return _html(f'<base target="_blank">{found(request).html}', FRAME_POLICY)

    app = web.Application(middlewares=[_of_this_machine])
    app.add_routes(
        [
            web.get("/", listed),
            web.get("/mails.json", as_json),
            web.get(r"/{number:\d{1,8}}", one),
            web.get(r"/{number:\d{1,8}}/html", framed),
        ]
    )
    return app


@web.middleware
async def _of_this_machine(request: web.Request, handler: Handler) -> web.StreamResponse:
    """No other site's page reads the mails by a name of its own for 127.0.0.1 (DNS rebinding)."""
    if request.host.partition(":")[0] not in HOSTS:
        raise web.HTTPForbidden()
    return await handler(request)


def _html(text: str, policy: str) -> web.Response:
    headers = {
        "Content-Security-Policy": policy,
        "Cache-Control": "no-store",
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
    }
    return web.Response(text=text, content_type="text/html", charset="utf-8", headers=headers)


def _fields(mail: Mail) -> Mapping[str, Any]:
    names = ("to", "from", "subject", "date", "message-id")
    headers = {name: mail.header(name) for name in names}
    return {"number": mail.number, **headers, "text": mail.text}
