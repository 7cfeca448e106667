"""A service's OpenAPI document: what its routes declare, and the one form of every refusal."""

from collections.abc import Iterator
from typing import Any

import pytest
from fastapi import APIRouter, FastAPI, Response

from common.http.app import create_http_app
from common.http.body import Input, Output, describes
from common.testing.browser import no_lifespan


class Offer(Input):
    title: str
    how_many: int


class Record(Output):
    record_id: str


def an_app() -> FastAPI:
    router = APIRouter()

    @router.get("/records/{record}", responses={200: {"model": Record}})
    async def show(record: int) -> Response:
        return Response(str(record))

    @router.post("/records", responses={201: {"model": Record}}, openapi_extra=describes(Offer))
    async def create() -> Response:
        return Response(status_code=201)

    @router.delete("/records/{record}", status_code=204)
    async def delete(record: str) -> Response:
        return Response(record, status_code=204)

    return create_http_app("records", [router], no_lifespan, {})


Document = dict[str, Any]


@pytest.fixture
def document() -> Document:
    return an_app().openapi()


def operations(document: Document) -> tuple[Document, Document, Document]:
    """Those that show, create and delete a record."""
    record = document["paths"]["/records/{record}"]
    return record["get"], document["paths"]["/records"]["post"], record["delete"]


def schema(document: Document, answer: Document) -> Document:
    """The schema of a JSON body, followed where it is a reference."""
    (content_type,) = answer["content"]
    assert content_type == "application/json"
    found: Document = answer["content"][content_type]["schema"]
    return at(document, found["$ref"]) if "$ref" in found else found


def at(document: Document, reference: str) -> Document:
    first, *way = reference.split("/")
    assert first == "#"
    found = document
    for step in way:
        found = found[step]
    return found


def references(part: object) -> Iterator[str]:
    if isinstance(part, dict):
        yield from [part["$ref"]] if "$ref" in part else []
        for inner in part.values():
            yield from references(inner)
    elif isinstance(part, list):
        for inner in part:
            yield from references(inner)


def test_an_operation_has_the_success_that_it_declares_and_no_other(document: Document) -> None:
    for operation, success in zip(operations(document), ("200", "201", "204"), strict=True):
        assert [status for status in operation["responses"] if status.startswith("2")] == [success]
    for operation, success in zip(operations(document), ("200", "201"), strict=False):
        assert list(schema(document, operation["responses"][success])["properties"]) == ["recordId"]


def test_the_routes_for_operators_are_not_documented(document: Document) -> None:
    assert set(document["paths"]) == {"/records", "/records/{record}"}


def test_every_refusal_is_documented_in_the_one_form(document: Document) -> None:
    for operation in operations(document):
        refusals = {status: a for status, a in operation["responses"].items() if not status.startswith("2")}
        assert set(refusals) == {"4XX", "5XX"}
        for answer in refusals.values():
            assert answer["description"]
            errors = schema(document, answer)["properties"]["errors"]
            entry = at(document, errors["items"]["$ref"])
            assert set(entry["properties"]) == {"code", "message", "field"}


def test_no_model_of_the_frameworks_own_refusals_is_documented(document: Document) -> None:
    assert set(document["components"]["schemas"]) == {"Record", "Entry", "Errors"}


def test_every_reference_of_the_document_leads_somewhere_within_it(document: Document) -> None:
    found = set(references(document))

    assert found == {f"#/components/schemas/{name}" for name in ("Record", "Entry", "Errors")}
    assert all(at(document, reference) for reference in found)
    assert "$defs" not in str(document)


def test_a_body_that_is_read_after_the_dependencies_is_documented(document: Document) -> None:
    _show, create, _delete = operations(document)

    assert create["requestBody"]["required"] is True
    assert set(schema(document, create["requestBody"])["properties"]) == {"title", "howMany"}


def test_the_document_is_the_same_whenever_it_is_asked_for(document: Document) -> None:
    app = an_app()

    assert app.openapi() == app.openapi() == document


def test_a_service_without_a_model_has_a_document() -> None:
    router = APIRouter()

    @router.get("/here")
    async def here() -> Response:
        return Response()

    document = create_http_app("plain", [router], no_lifespan, {}).openapi()

    assert set(document["paths"]["/here"]["get"]["responses"]) == {"200", "4XX", "5XX"}
    assert set(document["components"]["schemas"]) == {"Entry", "Errors"}
