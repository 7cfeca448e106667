"""Environment of each process. Of the caller's environment, only the variables named here are passed on."""

from collections.abc import Mapping

from infra.dev.config import Config
from infra.dev.keys import Keys, of_auth, of_others
from infra.dev.seeds import Seeds

# Variables that any program needs to run.
SYSTEM = (
    "PATH",
    "HOME",
    "USER",
    "LANG",
    "LC_ALL",
    "TZ",
    "TMPDIR",
    "PYTHONPATH",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
)

GENEROUS: Mapping[str, Mapping[str, str]] = {
    "auth": {"SIGN_UPS_PER_HOUR": "1000", "REQUIRE_CONFIRMED_EMAIL": "false"},
    "tickets": {"MAX_LISTINGS": "1000000", "LISTINGS_PER_HOUR": "0"},
    "orders": {"MAX_OPEN_ORDERS": "1000000", "REORDER_PAUSE_SECONDS": "0"},
    "payments": {"MAX_DECLINES": "10000", "MAX_DECLINES_PER_DAY": "0"},
    "client": {"LIVE_PAGES_PER_ADDRESS": "1000", "LIVE_PAGES": "1000"},
}
"""Limits and rules that a load test by few users would meet. The caller's environment may name others."""
GUESSES = ("MAX_FAILED_SIGN_INS", "MAX_FAILED_SIGN_INS_PER_ADDRESS", "MAX_FAILED_SIGN_INS_PER_ACCOUNT")
"""Limits of auth that no load test meets."""
MAIL_FROM = "tickets@gittix.test"


def system(config: Config) -> dict[str, str]:
    return {name: config.passed_on[name] for name in SYSTEM if name in config.passed_on}


def services(config: Config, keys: Keys, seeds: Seeds | None = None) -> Mapping[str, dict[str, str]]:
    """Environment of each service by name: exactly the variables that the contract lists for it.

    seeds: Those of the broker's users, where it has users.
    """
    session = of_others(keys) | _cookie(config)

    def nats(user: str) -> dict[str, str]:
        return {"NATS_URL": config.nats()} | ({"NATS_SEED": seeds[user]} if seeds else {})

    hold = _passed(config, "ORDER_HOLD_SECONDS")

    def mongo(database: str) -> dict[str, str]:
        return {"MONGO_URI": config.mongo(database)}

    own = {
        "auth": mongo("auth")
        | nats("auth")
        | of_auth(keys)
        | _cookie(config)
        | _public_address(config)
        | {"MAIL_URL": config.mail(), "MAIL_FROM": MAIL_FROM}
        | _passed(config, "MAIL_FROM")
        | _passed(config, *GUESSES),
        "tickets": mongo("tickets")
        | nats("tickets")
        | session
        | _passed(config, "MAX_MARKUP_PERCENT")
        | of_others(keys, "FILES_KEY", "BARCODE_KEY")
        | {"SEARCH_DIR": str(config.data_dir / "search"), "FILES_URL": (config.data_dir / "files").as_uri()},
        "orders": mongo("orders")
        | nats("orders")
        | session
        | hold
        | _passed(config, "DELIVERY_SECONDS", "ACCEPTANCE_SECONDS")
        | of_others(keys, "RECEIPT_KEYS"),
        "expiration": nats("expiration") | {"REDIS_URL": config.redis()},
        "payments": mongo("payments") | nats("payments") | session | _gateway(config) | _selling(config),
        "client": nats("client")
        | session
        | of_others(keys, "CLIENT_ADDRESS_KEY")
        | _addresses(config)
        | _card_fields(config)
        | hold,
    }
    common = system(config) | _passed(config, "LOG_LEVEL") | {"HOST": "127.0.0.1", "PYTHONUNBUFFERED": "1"}
    return {
        name: common | {"PORT": str(config.ports[name])} | _limits(config, name) | mine
        for name, mine in own.items()
    }


def _limits(config: Config, name: str) -> dict[str, str]:
    limits = GENEROUS.get(name, {})
    return {**limits, **_passed(config, *limits)}


def _cookie(config: Config) -> dict[str, str]:
    """Plain http; the edge's port in the cookie's name: two checkouts don't end each other's sessions."""
    return {"COOKIE_SECURE": "false", "COOKIE_PORT": str(config.ports["edge"])}


def _addresses(config: Config) -> dict[str, str]:
    """The edge, as the pages reach it and as a browser does."""
    return {"API_BASE_URL": config.edge_url} | _public_address(config)


def _public_address(config: Config) -> dict[str, str]:
    return {"PUBLIC_URL": f"http://localhost:{config.ports['edge']}"} | _passed(config, "PUBLIC_URL")


def _selling(config: Config) -> dict[str, str]:
    return _public_address(config) | _passed(config, "FEE_PERCENT")


def _gateway(config: Config) -> dict[str, str]:
    if "STRIPE_KEY" not in config.passed_on:
        return {"PAYMENT_GATEWAY": "fake"} | _passed(config, "STRIPE_WEBHOOK_SECRET")
    return {"PAYMENT_GATEWAY": "stripe"} | _passed(config, "STRIPE_KEY", "STRIPE_WEBHOOK_SECRET")


def _card_fields(config: Config) -> dict[str, str]:
    """The publishable key of the card fields, only if its payment gateway is in use."""
    return _passed(config, "STRIPE_PUBLISHABLE_KEY") if "STRIPE_KEY" in config.passed_on else {}


def _passed(config: Config, *names: str) -> dict[str, str]:
    return {name: config.passed_on[name] for name in names if name in config.passed_on}
