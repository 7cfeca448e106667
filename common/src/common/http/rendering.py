"""The one renderer of errors: every 4xx and 5xx body is `{"errors":[{"message","field"?}]}`."""

import logging
from collections.abc import Iterable, Mapping
from http import HTTPStatus

import orjson
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel
from pydantic_core import ErrorDetails
from starlette.exceptions import HTTPException

from common.base.errors import AppError, ErrorEntry, Invalid, NotFound, Outage, Unavailable

log = logging.getLogger(__name__)

JSON = "application/json"

_MESSAGES = {404: NotFound.default_message, 405: "Method not allowed", 413: "Body too large"}


def json_response(model: BaseModel, status: int = 200) -> Response:
    """A model as it is on the wire, written once, by pydantic."""
    content = model.__pydantic_serializer__.to_json(model, by_alias=True)
    return Response(content, status, media_type=JSON)


def error_response(
    status: int, entries: Iterable[ErrorEntry], headers: Mapping[str, str] | None = None
) -> Response:
    errors = [
        {"message": e.message} if e.field is None else {"message": e.message, "field": e.field}
        for e in entries
    ]
    return Response(orjson.dumps({"errors": errors}), status, headers=headers, media_type=JSON)


def render(error: AppError) -> Response:
    return error_response(error.status, error.entries, error.headers)


def invalid(errors: Iterable[ErrorDetails]) -> Invalid:
    """One entry per bad field, in the words of the model that refused it."""
    entries: dict[str | None, ErrorEntry] = {}
    for error in errors:
        field = str(error["loc"][0]) if error["loc"] else None
        entries.setdefault(field, ErrorEntry(_words(error, field), field))
    return Invalid(list(entries.values()))


def _words(error: ErrorDetails, field: str | None) -> str:
    if error["type"] == "value_error":
        return str(error["ctx"]["error"])
    if field is not None and (said := _of_text(error)):
        return f"{field[:1].upper()}{field[1:]} {said}"
    if error["type"] in {"json_invalid", "model_type", "model_attributes_type"}:
        return "The body must be a JSON object"
    if error["type"] == "extra_forbidden":
        return "Unknown field"
    return error["msg"]


def _of_text(error: ErrorDetails) -> str | None:
    """What a person would say of a text that is not as the model wants it; None of anything else."""
    bounds = error.get("ctx", {})
    match error["type"]:
        case "missing":
            return "is required"
        case "string_type":
            return "is required" if error["input"] is None else "must be text"
        case "string_too_short" if bounds["min_length"] == 1:
            return "is required"
        case "string_too_short":
            return f"must be at least {bounds['min_length']} characters"
        case "string_too_long":
            return f"must be at most {bounds['max_length']} characters"
    return None


def install(app: FastAPI) -> None:
    """Gives `app` its error answers; FastAPI's own `{"detail"}` never leaves it."""

    @app.exception_handler(AppError)
    async def _app_error(_request: Request, error: AppError) -> Response:
        return render(error)

    @app.exception_handler(HTTPException)
    async def _http_error(_request: Request, error: HTTPException) -> Response:
        message = _MESSAGES.get(error.status_code) or HTTPStatus(error.status_code).phrase
        return error_response(error.status_code, [ErrorEntry(message)], error.headers)

    @app.exception_handler(RequestValidationError)
    async def _bad_request(_request: Request, error: RequestValidationError) -> Response:
        # A parameter's place starts with where it was found ("query"), which is no field's name.
        details = [{**e, "loc": e["loc"][1:]} for e in error.errors()]
        return render(invalid(details))  # type: ignore[arg-type]  # FastAPI types them as Any

    @app.exception_handler(Outage)
    @app.exception_handler(TimeoutError)
    async def _outage(_request: Request, error: Exception) -> Response:
        log.warning("a dependency is down", extra={"error": repr(error)})
        return render(Unavailable())


def unexpected(error: Exception) -> Response:
    """A 500 that tells nothing; the log tells all."""
    log.error("unhandled exception", exc_info=error)
    return error_response(500, [ErrorEntry(AppError.default_message)])
