"""What a start says that is stopped by its settings."""

from collections.abc import Mapping

import pytest
from pydantic_settings import BaseSettings

from common.runtime.settings import load


def refusal(
    settings: type[BaseSettings],
    variables: Mapping[str, str],
    environment: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> str:
    """The words on standard error; fails unless `variables` stop the start with exit code 1."""
    for name, value in variables.items():
        environment.setenv(name, value)
    with pytest.raises(SystemExit, match="1"):
        load(settings)
    return capsys.readouterr().err
