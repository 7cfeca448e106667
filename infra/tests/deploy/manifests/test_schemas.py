"""Validation of every object with the API's own schemas; an unknown field is an error."""

import kubernetes_validate  # type: ignore[import-untyped] # it has no types
import pytest

from infra.deploy.manifests.rendered import EVERY_OVERLAY, name_of, overlay

VERSION = "1.34"


@pytest.mark.parametrize("name", EVERY_OVERLAY)
def test_each_object_is_what_the_api_takes(name: str) -> None:
    for one in overlay(name):
        try:
            kubernetes_validate.validate(one, VERSION, strict=True)
        except kubernetes_validate.ValidationError as error:
            pytest.fail(f"{name_of(one)}: {error.message} at {list(error.path)}")


def test_a_field_that_the_api_does_not_know_is_seen() -> None:
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(
            {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "x"}, "spec": {"prots": []}},
            VERSION,
            strict=True,
        )
