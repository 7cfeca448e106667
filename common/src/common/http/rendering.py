"""The one renderer of errors: every 4xx and 5xx body is `{"errors":[{"code","message","field"?}]}`."""

import logging
from collections.abc import Iterable, Mapping
from http import HTTPStatus

import orjson
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel
from pydantic_core import ErrorDetails
from starlette.exceptions import HTTPException
from starlette.routing import Match

from common.base import errors
from common.base.errors import (
    AppError,
    BadRequest,
    ErrorEntry,
    Invalid,
    InvalidValue,
    NotAuthorized,
    NotFound,
    Outage,
    TooLarge,
    TooManyTries,
    Unavailable,
    field_code,
)
from common.http.security_notes import notes

log = logging.getLogger(__name__)

JSON = "application/json"
MAX_ENTRIES = 20
MAX_FIELD_NAME = 50
"""In characters. A client chooses the names of unknown fields; the size of the refusal stays bounded."""

_MESSAGES = {404: NotFound.default_message, 405: "Method not allowed", 413: TooLarge.default_message}
_CODES = {
    405: errors.METHOD_NOT_ALLOWED,
    **{
        kind.status: kind.code
        for kind in (AppError, BadRequest, NotAuthorized, NotFound, TooLarge, TooManyTries, Unavailable)
    },
}
_NOT_AN_OBJECT = frozenset({"json_invalid", "model_type", "model_attributes_type"})


def json_response(model: BaseModel, status: int = 200) -> Response:
    """A model as it is on the wire, written once, by pydantic."""
    content = model.__pydantic_serializer__.to_json(model, by_alias=True)
    return Response(content, status, media_type=JSON)


def error_response(
    status: int, entries: Iterable[ErrorEntry], headers: Mapping[str, str] | None = None
) -> Response:
    content = orjson.dumps({"errors": [_on_the_wire(entry) for entry in entries]})
    return Response(content, status, headers=headers, media_type=JSON)


def _on_the_wire(entry: ErrorEntry) -> Mapping[str, str]:
    written = {"code": entry.code, "message": entry.message}
    return written if entry.field is None else written | {"field": entry.field}


def render(error: AppError) -> Response:
    return error_response(error.status, error.entries, error.headers)


def invalid(refused: Iterable[ErrorDetails]) -> Invalid:
    """One entry per bad field, in the words of the model that refused it."""
    entries: dict[str | None, ErrorEntry] = {}
    for error in refused:
        field = str(error["loc"][0])[:MAX_FIELD_NAME] if error["loc"] else None
        entries.setdefault(field, _entry(error, field))
    return Invalid(list(entries.values())[:MAX_ENTRIES])


def _entry(error: ErrorDetails, field: str | None) -> ErrorEntry:
    """A validator's own refusal keeps its message and code. pydantic's own words never leave a service."""
    if error["type"] == "value_error":
        refusal = error["ctx"]["error"]
        code = refusal.code if isinstance(refusal, InvalidValue) else _code(field, "invalid")
        return ErrorEntry(str(refusal), code, field)
    if error["type"] in _NOT_AN_OBJECT:
        return ErrorEntry("The body must be a JSON object", _code(field, "invalid"), field)
    if error["type"] == "extra_forbidden":
        # The sender chose the field's name: it becomes no part of a code.
        return ErrorEntry("Unknown field", errors.UNKNOWN_FIELD, field)
    if field is None:
        return ErrorEntry("The body is not valid", errors.BODY_INVALID)
    message, problem = _of_text(error) or (_of_value(error), "invalid")
    return ErrorEntry(f"{field[:1].upper()}{field[1:]} {message}", field_code(field, problem), field)


def _code(field: str | None, problem: str) -> str:
    return errors.BODY_INVALID if field is None else field_code(field, problem)


def _of_text(error: ErrorDetails) -> tuple[str, str] | None:
    """Message and problem of a missing or ill-sized text; None of any other error."""
    bounds = error.get("ctx", {})
    match error["type"]:
        case "missing":
            return "is required", "required"
        case "string_type" if error["input"] is None:
            return "is required", "required"
        case "string_type":
            return "must be text", "invalid"
        case "string_too_short" if bounds["min_length"] == 1:
            return "is required", "required"
        case "string_too_short":
            return f"must be at least {bounds['min_length']} characters", "too-short"
        case "string_too_long":
            return f"must be at most {bounds['max_length']} characters", "too-long"
    return None


def _of_value(error: ErrorDetails) -> str:
    """Message of any other bad value: the bound or the choice that it missed, where there is one."""
    bounds = error.get("ctx", {})
    match error["type"]:
        case "int_type" | "int_parsing" | "int_parsing_size" | "int_from_float":
            return "must be a whole number"
        case "greater_than_equal":
            return f"must be at least {bounds['ge']}"
        case "less_than_equal":
            return f"must be at most {bounds['le']}"
        case "literal_error" | "enum":
            return f"must be one of {bounds['expected']}".replace("'", "")
    return "is not valid"


def install(app: FastAPI) -> None:
    """Gives `app` its error answers; FastAPI's own `{"detail"}` never leaves it."""

    @app.exception_handler(AppError)
    async def _app_error(request: Request, error: AppError) -> Response:
        notes(request.scope).refusal = error
        return render(error)

    @app.exception_handler(HTTPException)
    async def _http_error(request: Request, error: HTTPException) -> Response:
        status = HTTPStatus(error.status_code)
        message = _MESSAGES.get(status) or status.phrase
        code = _CODES.get(status) or status.name.lower().replace("_", "-")
        headers = {**(error.headers or {}), **_allowed(request, status)}
        return error_response(status, [ErrorEntry(message, code)], headers)

    @app.exception_handler(RequestValidationError)
    async def _bad_request(_request: Request, error: RequestValidationError) -> Response:
        # A parameter's place starts with where it was found ("query"), which is no field's name.
        details = [{**e, "loc": e["loc"][1:]} for e in error.errors()]
        return render(invalid(details))  # type: ignore[arg-type]  # FastAPI types them as Any

    @app.exception_handler(Exception)
    async def _beyond_the_middleware(request: Request, error: Exception) -> Response:
        """A fault of a layer outside `RequestMiddleware`, such as one that replaces bodies."""
        answer = unexpected(error)
        answer.raw_headers.extend(request.app.state.headers)
        return answer

    @app.exception_handler(Outage)
    @app.exception_handler(TimeoutError)
    async def _outage(_request: Request, error: Exception) -> Response:
        log.warning("a dependency is down", extra={"error": repr(error)})
        return render(Unavailable())


def _allowed(request: Request, status: int) -> Mapping[str, str]:
    """Header `Allow` of a 405: every method of the path. Starlette names those of its first route alone."""
    if status != HTTPStatus.METHOD_NOT_ALLOWED:
        return {}
    routes = (
        route for route in request.app.router.routes if route.matches(request.scope)[0] is not Match.NONE
    )
    methods = {method for route in routes for method in getattr(route, "methods", None) or ()}
    if "GET" in methods:
        # By `HeadMiddleware`.
        methods.add("HEAD")
    return {"Allow": ", ".join(sorted(methods))} if methods else {}


def unexpected(error: Exception) -> Response:
    """A 500 that tells nothing; the log tells all."""
    log.error("unhandled exception", exc_info=error)
    return error_response(500, [ErrorEntry(AppError.default_message, AppError.code)])
