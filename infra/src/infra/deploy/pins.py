"""`python -m infra.deploy.pins`: names each official image by the digest that its tag has now.

A tag can move to another image, a digest can't. `docker buildx imagetools` asks the registry for the digests,
without a download. Run it again to renew them, and read the diff.
"""

import re
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

from infra.deploy.manifests.rendered import REPO

DIGEST = r"(?:@sha256:[0-9a-f]{64})?"
NAMED = re.compile(
    rf"(?P<before>(?:ARG BASE=|\bimage: |\bcontainer: ))(?P<image>[a-z]+:[\w.-]+){DIGEST}(?=\s)"
)
"""`python:3.11-slim` in a Dockerfile, `redis:8` in compose.yaml, a manifest or a workflow.

Our own images have a path, and are no match.
"""
TAGGED = re.compile(r"\{name: (?P<name>[a-z]+), newTag: (?P<tag>[\w.-]+)(?:, digest: sha256:[0-9a-f]{64})?\}")
"""As kustomize names an image's tag."""


def files(root: Path = REPO) -> Iterator[Path]:
    yield root / "compose.yaml"
    yield from sorted(root.glob("*/Dockerfile"))
    yield from sorted(root.glob("examples/*/Dockerfile"))
    yield from sorted(root.glob("infra/k8s/base/**/*.yaml"))
    yield from sorted(root.glob(".github/workflows/*.yaml"))


def pinned(text: str, digest_of: Callable[[str], str]) -> str:
    """The text of a file with a digest behind each image's tag.

    digest_of: The digest of an image such as `redis:8`, as `sha256:` and 64 hexadecimal digits.
    """
    text = NAMED.sub(lambda found: f"{found['before']}{found['image']}@{digest_of(found['image'])}", text)
    return TAGGED.sub(
        lambda found: (
            f"{{name: {found['name']}, newTag: {found['tag']},"
            f" digest: {digest_of(found['name'] + ':' + found['tag'])}}}"
        ),
        text,
    )


def asked(image: str) -> str:
    """The image's digest in its registry. Raises SystemExit with the reason where it can't be had."""
    command = ["docker", "buildx", "imagetools", "inspect", image, "--format", "{{.Manifest.Digest}}"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        raise SystemExit("Nothing is changed: docker, with buildx, is not on PATH") from None
    digest = done.stdout.strip()
    if done.returncode != 0 or not re.fullmatch(r"sha256:[0-9a-f]{64}", digest):
        raise SystemExit(f"Nothing is changed: no digest of {image}: {(done.stderr or digest).strip()}")
    return digest


def main() -> None:
    known: dict[str, str] = {}

    def digest_of(image: str) -> str:
        if image not in known:
            known[image] = asked(image)
            print(f"{image:24} {known[image]}")
        return known[image]

    # Every digest is known before the first file changes.
    changed = [(path, pinned(path.read_text(), digest_of)) for path in files()]
    for path, text in changed:
        path.write_text(text)


if __name__ == "__main__":
    main()
