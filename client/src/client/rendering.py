"""HTML from templates: always escaped, in the reader's language, with the parts that all pages share."""

from collections.abc import Mapping, Sequence
from functools import partial
from gettext import NullTranslations
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import Depends, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from starlette.types import Receive, Scope, Send

from client import flash
from client.assets import Assets
from client.emails import Emails, learn_email
from client.flash import Flash
from client.forms import NO_PROBLEMS
from client.languages import LANGUAGES, Language, duration, language_of
from client.messages import Text, Wait
from client.public_address import absolute
from common.base import times
from common.contract.details import first_day
from common.http.session import Sessions, current_user

Templates = Mapping[str, Environment]
"""Jinja environments by language code, such as `"en"`."""


def templates(assets: Assets, hold_seconds: int) -> Templates:
    """hold_seconds: How long an order holds its ticket, for the words beside Purchase."""
    return {code: _environment(assets, language, hold_seconds) for code, language in LANGUAGES.items()}


def _environment(assets: Assets, language: Language, hold_seconds: int) -> Environment:
    environment = Environment(
        loader=PackageLoader("client"),
        autoescape=True,
        auto_reload=False,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.i18n"],
    )
    catalogue = language.catalogue()
    environment.install_gettext_translations(catalogue, newstyle=True)  # type: ignore[attr-defined]  # the extension's
    environment.policies["ext.i18n.trimmed"] = True
    environment.globals.update(asset=assets.address, language=language, languages=LANGUAGES.values())
    environment.globals.update(first_day=lambda: first_day(times.now()), isolated=isolated, bdi=bdi)
    environment.globals.update(hold=duration(catalogue, hold_seconds))
    environment.filters.update(
        query=urlencode,
        with_query=_with_query,
        words=partial(_words, catalogue),
        money=language.price,
        day=language.day,
        weekday=language.weekday,
        month=language.month,
    )
    environment.tests["good_news"] = flash.is_good_news
    return environment


def isolated(text: str) -> str:
    """A person's words inside of plain text, such as a page's title: their direction turns nothing else.

    First strong isolate and its end (UAX 9). In HTML it is `<bdi>`.
    """
    return f"\N{FIRST STRONG ISOLATE}{text}\N{POP DIRECTIONAL ISOLATE}"


def bdi(text: str) -> Markup:
    """A person's words inside of a translated sentence."""
    return Markup("<bdi>{}</bdi>").format(text)


def _words(catalogue: NullTranslations, message: Text) -> str:
    """A message in the catalogue's language.

    Not `_(message)`: `_` would mark a text from a service as safe HTML.
    """
    if isinstance(message, Wait):
        return catalogue.gettext(message.text) % {"time": duration(catalogue, message.seconds)}
    return catalogue.gettext(message) if message else ""


class Page:
    """Renderer of pages for one request. A page for a signed-in user is never cached (`no-store`)."""

    def __init__(self, request: Request) -> None:
        templates: Templates = request.app.state.templates
        self._templates = templates[language_of(request).code]
        self._user = current_user(request)
        emails: Emails = request.app.state.emails
        self._email = "" if self._user is None else emails.of(self._user.id)
        self.sessions: Sessions = request.app.state.sessions
        self._flash = flash.waiting(request)
        self._here = _here(request)
        self.absolute = partial(absolute, request)

    def words(self, message: Text) -> str:
        """`message` in the reader's language."""
        translated: str = self._templates.filters["words"](message)
        return translated

    def __call__(self, template: str, status: int = 200, **context: Any) -> Response:
        html = self._templates.get_template(template).render(self._shared(context))
        cache = "private, no-cache" if self._user is None else "no-store"
        headers = {"Cache-Control": cache, "Vary": "Cookie, Accept-Language"}
        response = HTMLResponse(html, status, headers=headers)
        if self._flash is not None:
            flash.shown(response, self.sessions)
        return response

    def part(self, template: str, block: str, **context: Any) -> str:
        """One block of a template, alone. The block has to import the macros that it uses."""
        found = self._templates.get_template(template)
        return "".join(found.blocks[block](found.new_context(self._shared(context))))

    def _shared(self, context: Mapping[str, Any]) -> dict[str, Any]:
        shared = {
            "user": self._user,
            "email": self._email,
            "problems": NO_PROBLEMS,
            "flash": self._flash,
            "here": self._here,
            "absolute": self.absolute,
        }
        # typed: Hidden fields of the language switch, on a page in response to a form.
        # half_finished: The form that the switch sends along, as `{"form": its id, "path": its target}`.
        return {**shared, "typed": {}, "half_finished": None, **context}


def _with_query(path: str, query: Mapping[str, str], *left_out: str) -> str:
    """`path` with `query`, but without the parameters `left_out`."""
    kept = {name: value for name, value in query.items() if name not in left_out}
    return f"{path}?{urlencode(kept)}" if kept else path


def _here(request: Request) -> str:
    """The path to come back to: the page's own, with its query. The query of a form's target is left out."""
    if request.method not in ("GET", "HEAD"):
        return request.url.path
    return f"{request.url.path}?{request.url.query}" if request.url.query else request.url.path


async def _page(request: Request) -> Page:
    await learn_email(request)
    return Page(request)


Pages = Annotated[Page, Depends(_page)]


async def _parts(request: Request) -> Page:
    return Page(request)


Parts = Annotated[Page, Depends(_parts)]
"""Renderer of blocks, which show no e-mail address."""


def see_other(path: str, cookies: Sequence[str] = (), message: Flash | None = None) -> Response:
    """Redirect after a form (303): the browser requests `path` by GET, so that a reload repeats nothing.

    cookies: `Set-Cookie` values for the browser. message: Flash message that the page at `path` shows.
    """
    response = _SeeOther(path, message)
    response.raw_headers.extend((b"set-cookie", cookie.encode("latin-1")) for cookie in cookies)
    return response


class _SeeOther(RedirectResponse):
    """Leaves its message as it is sent: only the request's app knows whether cookies are for https alone."""

    def __init__(self, path: str, message: Flash | None) -> None:
        super().__init__(path, 303, headers={"Cache-Control": "no-store"})
        self._message = message

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._message is not None:
            flash.leave(self, self._message, scope["app"].state.sessions)
        await super().__call__(scope, receive, send)
