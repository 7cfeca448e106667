from collections.abc import Mapping

from infra.dev.config import from_env
from infra.dev.environment import GENEROUS, SYSTEM, services
from infra.dev.keys import generated

EVERY = {"HOST", "PORT", "PYTHONUNBUFFERED"}
COOKIE = {"COOKIE_SECURE", "COOKIE_PORT"}
MAIL = {"PUBLIC_URL", "MAIL_URL", "MAIL_FROM"}
FILES = {"FILES_URL", "FILES_KEY", "BARCODE_KEY"}
SESSION = {"JWT_PUBLIC_KEYS"} | COOKIE


def envs(**env: str) -> Mapping[str, dict[str, str]]:
    return services(from_env({"PATH": "/bin", "AWS_SECRET": "x", **env}), generated())


def test_a_service_gets_what_the_contract_lists_and_no_more() -> None:
    limits = {name for service in GENEROUS.values() for name in service}
    own = {name: set(env) - EVERY - set(SYSTEM) - limits for name, env in envs().items()}

    assert own == {
        "auth": {"MONGO_URI", "NATS_URL", "JWT_KEY", "CLIENT_ADDRESS_KEY", "DEVICE_KEY"} | MAIL | SESSION,
        "tickets": {"MONGO_URI", "NATS_URL", "SEARCH_DIR"} | FILES | SESSION,
        "orders": {"MONGO_URI", "NATS_URL", "RECEIPT_KEYS"} | SESSION,
        "payments": {"MONGO_URI", "NATS_URL", "PAYMENT_GATEWAY", "PUBLIC_URL"} | SESSION,
        "expiration": {"NATS_URL", "REDIS_URL"},
        "client": {"API_BASE_URL", "PUBLIC_URL", "NATS_URL", "CLIENT_ADDRESS_KEY"} | SESSION,
    }


def test_auth_alone_has_a_private_key_and_no_key_has_two_purposes() -> None:
    keys = generated()
    own = services(from_env({}), keys)

    secret = {name: value for name, value in keys.items() if value and name != "JWT_PUBLIC_KEYS"}
    users = {
        name: {service for service, env in own.items() if value in env.values()}
        for name, value in secret.items()
    }
    assert users == {
        "JWT_KEY": {"auth"},
        "RECEIPT_KEYS": {"orders"},
        "CLIENT_ADDRESS_KEY": {"auth", "client"},
        "DEVICE_KEY": {"auth"},
        "FILES_KEY": {"tickets"},
        "BARCODE_KEY": {"tickets"},
    }
    assert len(set(secret.values())) == 6


def test_no_two_services_share_a_database() -> None:
    uris = [env["MONGO_URI"] for env in envs().values() if "MONGO_URI" in env]

    assert len(set(uris)) == len(uris) == 4


def test_the_gateway_is_fake_until_a_stripe_key_is_given() -> None:
    assert envs()["payments"]["PAYMENT_GATEWAY"] == "fake"

    stripe = {"STRIPE_WEBHOOK_SECRET": "whsec_1", "STRIPE_PUBLISHABLE_KEY": "pk_test_1"}
    with_stripe = envs(STRIPE_KEY="sk_test_1", **stripe)

    assert with_stripe["payments"]["PAYMENT_GATEWAY"] == "stripe"
    assert with_stripe["payments"]["STRIPE_WEBHOOK_SECRET"] == "whsec_1"
    assert not any("STRIPE_KEY" in env for name, env in with_stripe.items() if name != "payments")
    assert with_stripe["client"]["STRIPE_PUBLISHABLE_KEY"] == "pk_test_1"
    assert "STRIPE_PUBLISHABLE_KEY" not in envs(**stripe)["client"]


def test_the_fake_gateway_takes_webhooks_where_a_secret_is_given() -> None:
    payments = envs(STRIPE_WEBHOOK_SECRET="whsec_1")["payments"]

    assert (payments["PAYMENT_GATEWAY"], payments["STRIPE_WEBHOOK_SECRET"]) == ("fake", "whsec_1")


def test_hold_time_and_log_level_are_passed_on() -> None:
    env = envs(ORDER_HOLD_SECONDS="5", LOG_LEVEL="DEBUG")

    assert env["orders"]["ORDER_HOLD_SECONDS"] == env["client"]["ORDER_HOLD_SECONDS"] == "5"
    assert {each["LOG_LEVEL"] for each in env.values()} == {"DEBUG"}


def test_limits_that_a_load_test_would_meet_are_higher_unless_the_environment_names_them() -> None:
    named = {"SIGN_UPS_PER_HOUR": "20", "MAX_FAILED_SIGN_INS_PER_ADDRESS": "7"}

    assert envs()["auth"]["SIGN_UPS_PER_HOUR"] == "1000"
    assert envs()["auth"]["REQUIRE_CONFIRMED_EMAIL"] == "false"
    assert envs(**named)["auth"].items() >= named.items()
    assert not any(set(named) & set(env) for name, env in envs(**named).items() if name != "auth")


def test_the_limits_of_users_are_generous_unless_the_environment_names_them() -> None:
    env = envs(MAX_OPEN_ORDERS="5")

    assert env["orders"]["MAX_OPEN_ORDERS"] == "5"
    assert env["orders"]["REORDER_PAUSE_SECONDS"] == "0"
    assert env["tickets"]["MAX_LISTINGS"] == "1000000"
    assert "MAX_OPEN_ORDERS" not in env["client"]


def test_two_checkouts_have_cookies_and_addresses_of_their_own() -> None:
    one, other = envs(EDGE_PORT="8080"), envs(EDGE_PORT="18080")

    assert {env["COOKIE_PORT"] for env in one.values() if "COOKIE_PORT" in env} == {"8080"}
    assert {env["COOKIE_PORT"] for env in other.values() if "COOKIE_PORT" in env} == {"18080"}
    assert one["client"]["PUBLIC_URL"] == "http://localhost:8080"
    assert other["client"]["PUBLIC_URL"] == "http://localhost:18080"


def test_a_laptop_behind_another_address_names_it() -> None:
    assert envs(PUBLIC_URL="https://tunnel.test")["client"]["PUBLIC_URL"] == "https://tunnel.test"
