"""The mailbox of the overlay dev."""

import pytest

from infra.deploy.manifests.rendered import MAILBOX, OVERLAYS, every_pod, overlay


@pytest.mark.parametrize("name", OVERLAYS)
def test_mails_stay_in_a_mailbox_in_development_alone(name: str) -> None:
    assert (MAILBOX in {each.labels["app"] for each in every_pod(overlay(name))}) is (name == "dev")


def test_its_pod_may_do_no_more_than_those_of_the_marketplace() -> None:
    (pod,) = (each for each in every_pod(overlay("dev")) if each.labels["app"] == MAILBOX)

    assert pod.spec["automountServiceAccountToken"] is False
    assert pod.spec["securityContext"]["runAsNonRoot"] is True
    assert pod.main["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert {"cpu", "memory"} == set(pod.main["resources"]["limits"])
