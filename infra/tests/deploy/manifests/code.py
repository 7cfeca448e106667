"""Settings in the code of the process in a pod."""

import importlib

from common.runtime.settings import ServiceSettings
from infra.deploy.manifests.rendered import Pod

CLASSES = {"gittix/blog": {"client": "PageSettings", "moderation": "ModerationSettings"}}
"""Settings classes with another name than `Settings`, for an image that runs several processes."""


def is_ours(pod: Pod) -> bool:
    return pod.name.startswith("Deployment/")


def settings(of: Pod) -> type[ServiceSettings]:
    """Settings class of a process of this repo."""
    image = of.main["image"].split("@")[0].split(":")[0]
    package = image.removeprefix("gittix/")
    name = CLASSES.get(image, {}).get("".join(of.main.get("args", ())), "Settings")
    found: type[ServiceSettings] = getattr(importlib.import_module(f"{package}.settings"), name)
    return found
