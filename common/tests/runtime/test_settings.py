import certifi
import pytest

from common.base.identity import CurrentUser
from common.http.session_keys import PrivateKey
from common.http.session_tokens import TokenSigner
from common.messaging.nats_connection import Identity
from common.messaging.seeds import new_seed, public_key
from common.runtime.settings import (
    HttpUrl,
    MongoUri,
    PublicUrl,
    RedisUrl,
    SecretKey,
    ServiceSettings,
    SessionSettings,
    StreamSettings,
    load,
)

pytestmark = pytest.mark.usefixtures("environment")

KEYS = [PrivateKey.generate() for _ in range(3)]
PUBLIC = KEYS[0].public.text
SEED = new_seed()
GOOD = {
    "MONGO_URI": "mongodb://db/tickets",
    "NATS_URL": "nats://nats-srv:4222",
    "REDIS_URL": "redis://redis-srv:6379/0",
    "API_BASE_URL": "http://gateway",
    "PUBLIC_URL": "https://gittix.test",
    "JWT_PUBLIC_KEYS": PUBLIC,
    "CLIENT_ADDRESS_KEY": "a" * 32,
}


class Settings(ServiceSettings, SessionSettings, StreamSettings):
    mongo_uri: MongoUri
    redis_url: RedisUrl
    api_base_url: HttpUrl
    public_url: PublicUrl
    client_address_key: SecretKey


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
    good.delenv("JWT_PUBLIC_KEYS")
    good.setenv("SETTINGS_HINT", "Run: make keys")

    assert refusal(capsys) == "Cannot start: set JWT_PUBLIC_KEYS (missing). Run: make keys"


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
    *(("REDIS_URL", value) for value in ("redis://a,redis://b", "redis://a,b")),
    *(("API_BASE_URL", value) for value in ("http://a,http://b", "http://a,b")),
    *(("PUBLIC_URL", value) for value in ("", "gittix.test", "ftp://gittix.test", "http://a,http://b")),
    *(("PUBLIC_URL", f"https://gittix.test{end}") for end in ("/shop", "//", "?", "/?", "?a=1", "#", "#a")),
    *(("PUBLIC_URL", f"https://{user}@gittix.test") for user in ("ada", ":secret", "ada:secret")),
    *(
        ("JWT_PUBLIC_KEYS", value)
        for value in (",", f"{PUBLIC},", f"{PUBLIC}={PUBLIC}", PUBLIC[1:], KEYS[0].text)
    ),
    ("JWT_PUBLIC_KEYS", f"{PUBLIC},{KEYS[0].text}"),
    *(("CLIENT_ADDRESS_KEY", value) for value in ("a" * 31, KEYS[0].text)),
    *(("PORT", value) for value in ("", "x")),
    ("LOG_LEVEL", "loud"),
    ("COOKIE_SECURE", "perhaps"),
    ("MONGO_URI", "mongodb://db/?tls=true&tlsCAFile=/no/such/ca.crt"),
    *(("NATS_CA", value) for value in ("/no/such/ca.crt", "/", __file__)),
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
    assert len(value) < 20 or value not in line
    assert KEYS[0].text not in line


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("MONGO_URI", "mongodb://user:p%40ss@a:27017,b:27017,c:27017/tickets?replicaSet=rs0"),
        ("MONGO_URI", "mongodb+srv://user:pass@cluster.example.test/tickets"),
        ("MONGO_URI", "mongodb://127.0.0.1:27017"),
        ("NATS_URL", "nats://a:4222,nats://b:4222,nats://c:4222"),
        ("NATS_URL", "tls://user:pass@nats"),
        ("REDIS_URL", "rediss://:secret@redis:6380/1"),
        ("REDIS_URL", "redis://:se,cret@redis"),
    ],
)
def test_other_good_forms_are_taken(good: pytest.MonkeyPatch, name: str, value: str) -> None:
    good.setenv(name, value)

    assert getattr(load(Settings), name.lower()) == value


@pytest.mark.parametrize(
    ("given", "public_url"),
    [
        ("https://gittix.test/", "https://gittix.test"),
        ("https://GitTix.test:443", "https://gittix.test"),
        ("http://localhost:8080", "http://localhost:8080"),
    ],
)
def test_a_public_address_is_kept_as_browsers_write_an_origin(
    good: pytest.MonkeyPatch, given: str, public_url: str
) -> None:
    good.setenv("PUBLIC_URL", given)

    assert load(Settings).public_url == public_url


@pytest.mark.parametrize(
    ("name", "value", "problem"),
    [
        ("MONGO_URI", "gopher://host", "not a URL of mongodb or mongodb+srv"),
        ("MONGO_URI", "mongodb://db/?w", "not a URI that MongoDB's driver takes"),
        ("NATS_URL", "gopher://host", "not a URL of nats or tls"),
        ("REDIS_URL", "gopher://host", "not a URL of redis or rediss"),
        ("API_BASE_URL", "gopher://host", "not a URL of http or https"),
        ("API_BASE_URL", "gateway", "not a URL"),
        ("PUBLIC_URL", "https://gittix.test/shop", "not an address without a path"),
    ],
)
def test_the_line_says_what_is_wrong_with_an_address(
    good: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], name: str, value: str, problem: str
) -> None:
    good.setenv(name, value)

    assert refusal(capsys).endswith(f", {problem})")


def test_several_problems_are_one_line(good: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    good.delenv("MONGO_URI")
    good.setenv("CLIENT_ADDRESS_KEY", "short-secret")

    line = refusal(capsys)

    assert "MONGO_URI (missing)" in line.removeprefix("Cannot start: set ").split(", ")
    assert "CLIENT_ADDRESS_KEY (" in line
    assert "short-secret" not in line


def test_an_empty_key_is_a_missing_one(good: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    good.setenv("JWT_PUBLIC_KEYS", "")
    good.setenv("CLIENT_ADDRESS_KEY", "")

    assert refusal(capsys) == ("Cannot start: set JWT_PUBLIC_KEYS (missing), CLIENT_ADDRESS_KEY (missing)")


def test_sessions_of_several_public_keys_are_read(good: pytest.MonkeyPatch) -> None:
    good.setenv("JWT_PUBLIC_KEYS", ",".join(key.public.text for key in KEYS[:2]))
    sessions = load(Settings).sessions()

    read = [sessions.read(TokenSigner(key).token(CurrentUser("ada", "hers"))) for key in KEYS]
    assert read == [CurrentUser("ada", "hers")] * 2 + [None]


@pytest.mark.parametrize(
    ("secure", "port", "cookie"),
    [
        *(("true", "", "__Host-session"), ("true", "3000", "__Host-session")),
        *(("false", "", "session"), ("false", "3000", "session-3000")),
    ],
)
def test_sessions_are_read_from_the_cookie_that_the_settings_name(
    good: pytest.MonkeyPatch, secure: str, port: str, cookie: str
) -> None:
    good.setenv("COOKIE_SECURE", secure)
    if port:
        good.setenv("COOKIE_PORT", port)

    assert load(Settings).sessions().cookie == cookie


def test_no_representation_of_the_settings_shows_a_key(good: pytest.MonkeyPatch) -> None:
    good.setenv("MONGO_URI", "mongodb://tickets:password@db/tickets")
    good.setenv("REDIS_URL", "redis://expiration:password@redis-srv:6379/0")

    shown = repr(load(Settings))

    assert "password" not in shown
    assert "a" * 32 not in shown


def test_a_process_with_a_seed_is_a_user_of_the_broker_and_one_without_is_anonymous(
    good: pytest.MonkeyPatch,
) -> None:
    assert load(Settings).identity("tickets") is None

    good.setenv("NATS_SEED", SEED)

    assert load(Settings).identity("tickets") == Identity("tickets", SEED)
    assert SEED not in repr(load(Settings)) + repr(load(Settings).identity("tickets"))


def test_a_process_checks_the_brokers_certificate_by_the_ca_that_is_named(good: pytest.MonkeyPatch) -> None:
    good.setenv("NATS_SEED", SEED)
    good.setenv("NATS_CA", certifi.where())

    assert load(Settings).identity("tickets") == Identity("tickets", SEED, certifi.where())
