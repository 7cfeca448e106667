import pytest

from common.messaging.nats_connection import Identity
from common.messaging.seeds import new_seed, public_key
from common.runtime.settings import (
    HttpUrl,
    MongoUri,
    RedisUrl,
    ServiceSettings,
    SessionSettings,
    StreamSettings,
    load,
)

pytestmark = pytest.mark.usefixtures("environment")

KEY = "k" * 32
SEED = new_seed()
GOOD = {
    "MONGO_URI": "mongodb://db/tickets",
    "NATS_URL": "nats://nats-srv:4222",
    "REDIS_URL": "redis://redis-srv:6379/0",
    "API_BASE_URL": "http://gateway",
    "JWT_KEY": KEY,
}


class Settings(ServiceSettings, SessionSettings, StreamSettings):
    mongo_uri: MongoUri
    redis_url: RedisUrl
    api_base_url: HttpUrl


@pytest.fixture
def good(environment: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name, value in GOOD.items():
        environment.setenv(name, value)
    return environment


def refusal(capsys: pytest.CaptureFixture[str]) -> str:
    """The one line that a start without the right settings ends with."""
    with pytest.raises(SystemExit) as stopped:
        load(Settings)
    assert stopped.value.code == 1
    out, err = capsys.readouterr()
    assert out == ""
    (line,) = err.splitlines()
    assert line.startswith("Cannot start: set ")
    return str(line)


def test_settings_come_from_the_environment(good: pytest.MonkeyPatch) -> None:
    good.setenv("PORT", "8081")
    settings = load(Settings)

    assert settings.mongo_uri == "mongodb://db/tickets"
    assert (settings.host, settings.port, settings.log_level) == ("0.0.0.0", 8081, "INFO")
    assert settings.cookie_secure is True


@pytest.mark.parametrize("name", GOOD)
def test_a_missing_variable_is_named(
    good: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    good.delenv(name)

    assert refusal(capsys) == f"Cannot start: set {name} (missing)"


def test_the_line_ends_with_what_to_do_about_it(
    good: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    good.delenv("JWT_KEY")
    good.setenv("SETTINGS_HINT", "Run: make keys")

    assert refusal(capsys) == "Cannot start: set JWT_KEY (missing). Run: make keys"


MALFORMED = [
    *(
        ("MONGO_URI", value)
        for value in ("", "db", "http://db/", "mongodb://", "mongodb://a:b@c@d/", "mongodb://db:x")
    ),
    *(("MONGO_URI", value) for value in ("mongodb://a,b:99999", "mongodb://db/a b", "mongodb://db/?w")),
    *(("NATS_URL", value) for value in ("", "nats-srv:4222", "http://nats-srv", "nats://")),
    *(("NATS_URL", value) for value in ("nats://a,", "nats://a:4222,b:4222", "nats://a:x")),
    *(("REDIS_URL", value) for value in ("", "http://redis", "redis://")),
    *(("API_BASE_URL", value) for value in ("", "gateway", "ftp://gateway")),
    *(("JWT_KEY", value) for value in ("", "k" * 31)),
    *(("PORT", value) for value in ("", "x")),
    ("LOG_LEVEL", "loud"),
    ("COOKIE_SECURE", "perhaps"),
    *(("NATS_STREAM_REPLICAS", value) for value in ("0", "6", "x")),
    *(("NATS_STREAM_MAX_BYTES", value) for value in ("0", "999999", "2GB")),
    *(
        ("NATS_SEED", value)
        for value in ("", "SU", SEED[:-1], SEED[:-1] + "!", public_key(SEED), SEED.lower())
    ),
]


@pytest.mark.parametrize(("name", "value"), MALFORMED)
def test_a_malformed_variable_is_named_and_not_repeated(
    good: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], name: str, value: str
) -> None:
    good.setenv(name, value)

    line = refusal(capsys)

    assert line.startswith(f"Cannot start: set {name} (")
    assert "missing" not in line


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("MONGO_URI", "mongodb://user:p%40ss@a:27017,b:27017,c:27017/tickets?replicaSet=rs0"),
        ("MONGO_URI", "mongodb+srv://user:pass@cluster.example.test/tickets"),
        ("MONGO_URI", "mongodb://127.0.0.1:27017"),
        ("NATS_URL", "nats://a:4222,nats://b:4222,nats://c:4222"),
        ("NATS_URL", "tls://user:pass@nats"),
        ("REDIS_URL", "rediss://:secret@redis:6380/1"),
    ],
)
def test_other_good_forms_are_taken(good: pytest.MonkeyPatch, name: str, value: str) -> None:
    good.setenv(name, value)

    assert getattr(load(Settings), name.lower()) == value


def test_several_problems_are_one_line(good: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    good.delenv("MONGO_URI")
    good.setenv("JWT_KEY", "short-secret")

    line = refusal(capsys)

    assert "MONGO_URI (missing)" in line
    assert "JWT_KEY (" in line
    assert "short-secret" not in line


def test_a_process_with_a_seed_is_a_user_of_the_broker_and_one_without_is_anonymous(
    good: pytest.MonkeyPatch,
) -> None:
    assert load(Settings).identity("tickets") is None

    good.setenv("NATS_SEED", SEED)

    assert load(Settings).identity("tickets") == Identity("tickets", SEED)
    assert SEED not in repr(load(Settings)) + repr(load(Settings).identity("tickets"))
