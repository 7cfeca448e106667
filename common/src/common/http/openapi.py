"""A service's OpenAPI document: FastAPI's, with the answers that its middleware and renderer really give."""

from collections.abc import Callable, Mapping
from typing import Any

from fastapi import FastAPI
from pydantic import BaseModel

from common.http.rendering import JSON

_REF = "#/components/schemas/{model}"


class Entry(BaseModel):
    """One error. code: A stable kebab-case name. field: The bad field, where one applies."""

    code: str
    message: str
    field: str | None = None


class Errors(BaseModel):
    """The body of every 4xx and 5xx."""

    errors: list[Entry]


def documents(app: FastAPI) -> Callable[[], dict[str, Any]]:
    """The app's `openapi`, corrected once."""
    written = app.openapi

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            _correct(written())
        return written()

    return openapi


def _correct(document: dict[str, Any]) -> None:
    schemas = document.setdefault("components", {}).setdefault("schemas", {})
    for unused in ("HTTPValidationError", "ValidationError"):
        schemas.pop(unused, None)
    schemas.update({model.__name__: model.model_json_schema(ref_template=_REF) for model in (Entry, Errors)})
    schemas["Errors"].pop("$defs")
    for operations in document["paths"].values():
        for operation in operations.values():
            operation["responses"] = _answers(operation["responses"])


def _answers(declared: Mapping[str, Any]) -> dict[str, Any]:
    """The declared successes, and the one form of every refusal.

    FastAPI adds a 422 that no service gives, and a 200 without a schema where another success is declared.
    """
    successes = {status: answer for status, answer in declared.items() if status.startswith("2")}
    if len(successes) > 1:
        successes = {status: answer for status, answer in successes.items() if _has_schema(answer)}
    refusal = {"description": "Refused", "content": {JSON: {"schema": {"$ref": _REF.format(model="Errors")}}}}
    return {**successes, "4XX": refusal, "5XX": refusal}


def _has_schema(answer: Mapping[str, Any]) -> bool:
    return bool(answer.get("content", {}).get(JSON, {}).get("schema"))
