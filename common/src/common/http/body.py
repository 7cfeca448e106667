"""JSON bodies, read after the dependencies before them: who asks is checked before what is asked."""

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from fastapi import Depends, Request
from pydantic import BaseModel, ConfigDict, ValidationError, model_validator
from pydantic.alias_generators import to_camel

from common.base.errors import CONTENT_TYPE_INVALID, BadRequest
from common.http.rendering import JSON, MAX_ENTRIES, invalid

M = TypeVar("M", bound=BaseModel)


class Input(BaseModel):
    """What a client sends: camelCase, and nothing that isn't known.

    A missing field is validated as null, so that it is refused in the words of a bad one.
    """

    model_config = ConfigDict(alias_generator=to_camel, extra="forbid", frozen=True)

    @model_validator(mode="before")
    @classmethod
    def _missing_is_null(cls, data: object) -> object:
        if not isinstance(data, dict):
            return data
        required = (field.alias for field in cls.model_fields.values() if field.is_required())
        return dict.fromkeys(required) | cls._bounded(data)

    @classmethod
    def _bounded(cls, data: dict[object, object]) -> dict[object, object]:
        """`data` with as many unknown fields as its refusal names: each costs an error of its own."""
        if len(data) <= MAX_ENTRIES:
            return data
        known = {field.alias for field in cls.model_fields.values()}
        unknown = [name for name in data if name not in known]
        return {name: value for name, value in data.items() if name in known} | {
            name: data[name] for name in unknown[:MAX_ENTRIES]
        }


class Output(BaseModel):
    """What a client gets: camelCase."""

    model_config = ConfigDict(alias_generator=to_camel, validate_by_name=True, frozen=True)


def reader(model: type[M]) -> Callable[[Request], Awaitable[M]]:
    async def read(request: Request) -> M:
        if request.headers.get("content-type", "").partition(";")[0].strip().lower() != JSON:
            raise BadRequest(f"Content-Type must be {JSON}", code=CONTENT_TYPE_INVALID)
        try:
            return model.model_validate_json(await request.body())
        except ValidationError as error:
            raise invalid(error.errors(include_url=False)) from None

    return read


def json_body(model: type[BaseModel]) -> Any:
    """A dependency that gives the validated body.

    FastAPI reads a body parameter before it solves dependencies, so that malformed JSON from a stranger
    would be a 400; the contract wants the 401 first. Dependencies are solved in the order of a handler's
    parameters: put this one after the user's.
    """
    return Depends(reader(model))


def describes(model: type[BaseModel]) -> dict[str, Any]:
    """The `openapi_extra` of a route whose body `json_body` reads."""
    schema = model.model_json_schema(ref_template="#/components/schemas/{model}")
    return {"requestBody": {"required": True, "content": {JSON: {"schema": schema}}}}
