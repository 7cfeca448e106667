import pytest

from auth.device_names import UNKNOWN, device_name

WINDOWS = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "


@pytest.mark.parametrize(
    ("agent", "name"),
    [
        ("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", "Firefox on Linux"),
        (WINDOWS + "Chrome/140.0.0.0 Safari/537.36", "Chrome on Windows"),
        (WINDOWS + "Chrome/140.0.0.0 Safari/537.36 Edg/140.0.0.0", "Edge on Windows"),
        (WINDOWS + "Chrome/140.0.0.0 Safari/537.36 OPR/120.0.0.0", "Opera on Windows"),
        (
            "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
            "Version/18.5 Mobile/15E148 Safari/604.1",
            "Safari on iPhone",
        ),
        (
            "Mozilla/5.0 (Linux; Android 15; SM-S931B) AppleWebKit/537.36 (KHTML, like Gecko) "
            "SamsungBrowser/28.0 Chrome/130.0.0.0 Mobile Safari/537.36",
            "Samsung Internet on Android",
        ),
        (
            "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) "
            "Version/18.5 Safari/605.1.15",
            "Safari on macOS",
        ),
        ("curl/8.5.0", UNKNOWN),
        ("Firefox/140.0", "Firefox"),
        ("", UNKNOWN),
        ("<script>alert(1)</script>", UNKNOWN),
        ("x" * 600 + "Firefox/1", UNKNOWN),
    ],
)
def test_a_device_is_named_by_its_browser_and_system(agent: str, name: str) -> None:
    assert device_name(agent) == name
