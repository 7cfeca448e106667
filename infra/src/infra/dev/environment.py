"""What each process is told. Nothing of the caller's environment passes unless it is named here."""

from collections.abc import Mapping

from infra.dev.config import Config

# What programs need to run at all, whatever they are.
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


def system(config: Config) -> dict[str, str]:
    return {name: config.passed_on[name] for name in SYSTEM if name in config.passed_on}


def services(config: Config, key: str) -> Mapping[str, dict[str, str]]:
    """The environment of each service by name: what the contract lists for it, and no more."""
    jwt, nats = {"JWT_KEY": key, "COOKIE_SECURE": "false"}, {"NATS_URL": config.nats()}

    def mongo(database: str) -> dict[str, str]:
        return {"MONGO_URI": config.mongo(database)}

    own = {
        "auth": mongo("auth") | jwt,
        "tickets": mongo("tickets") | nats | jwt,
        "orders": mongo("orders") | nats | jwt | _passed(config, "ORDER_HOLD_SECONDS"),
        "expiration": nats | {"REDIS_URL": config.redis()},
        "payments": mongo("payments") | nats | jwt | _gateway(config),
        "client": nats | jwt | {"API_BASE_URL": config.edge_url} | _card_fields(config),
    }
    common = system(config) | _passed(config, "LOG_LEVEL") | {"HOST": "127.0.0.1", "PYTHONUNBUFFERED": "1"}
    return {name: common | {"PORT": str(config.ports[name])} | mine for name, mine in own.items()}


def _gateway(config: Config) -> dict[str, str]:
    if "STRIPE_KEY" not in config.passed_on:
        return {"PAYMENT_GATEWAY": "fake"} | _passed(config, "STRIPE_WEBHOOK_SECRET")
    return {"PAYMENT_GATEWAY": "stripe"} | _passed(config, "STRIPE_KEY", "STRIPE_WEBHOOK_SECRET")


def _card_fields(config: Config) -> dict[str, str]:
    """The pages' key, only beside the gateway that it is for."""
    return _passed(config, "STRIPE_PUBLISHABLE_KEY") if "STRIPE_KEY" in config.passed_on else {}


def _passed(config: Config, *names: str) -> dict[str, str]:
    return {name: config.passed_on[name] for name in names if name in config.passed_on}
