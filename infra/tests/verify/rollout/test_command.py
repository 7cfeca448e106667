import pytest

from infra.verify.rollout import __main__ as command
from infra.verify.rollout import versions


def test_a_leg_that_does_not_exist_is_named_before_anything_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.argv", ["infra.verify.rollout", "--legs", "release,yesterday"])
    monkeypatch.setattr(versions, "release", lambda: pytest.fail("a release was looked for"))
    with pytest.raises(SystemExit, match="No leg is called yesterday"):
        command.main()


def test_a_checkout_without_history_skips_the_release_visibly(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def release() -> versions.Version:
        raise versions.NoHistory("this tree is no git checkout")

    monkeypatch.setattr("sys.argv", ["infra.verify.rollout", "--legs", "release"])
    monkeypatch.setattr(versions, "release", release)

    assert command.main() == 0
    assert capsys.readouterr().out == "SKIPPED: the release is not compared: this tree is no git checkout\n"
