from importlib.resources import files

import pytest
from fastapi import FastAPI
from starlette.types import Message
from tests.conftest import As, Browser
from tests.dom import page

from client.settings import Settings
from common.runtime.settings import load
from common.testing.browser import CLIENT_ADDRESS_KEY, JWT_PUBLIC_KEYS, a_user

GIVEN = {
    "API_BASE_URL": "http://edge.test",
    "PUBLIC_URL": "https://gittix.test",
    "JWT_PUBLIC_KEYS": JWT_PUBLIC_KEYS,
    "CLIENT_ADDRESS_KEY": CLIENT_ADDRESS_KEY,
    "NATS_URL": "nats://nats.test:4222",
}


@pytest.mark.parametrize("missing", list(GIVEN))
def test_a_missing_setting_stops_the_start_by_its_name(
    environment: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], missing: str
) -> None:
    for name, value in GIVEN.items():
        if name != missing:
            environment.setenv(name, value)

    with pytest.raises(SystemExit) as stopped:
        load(Settings)

    assert stopped.value.code == 1
    assert f"{missing} (missing)" in capsys.readouterr().err


def test_a_malformed_address_stops_the_start(
    environment: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    environment.setenv("API_BASE_URL", "edge:8080")
    environment.setenv("JWT_PUBLIC_KEYS", JWT_PUBLIC_KEYS)

    with pytest.raises(SystemExit):
        load(Settings)

    assert "API_BASE_URL" in capsys.readouterr().err


@pytest.mark.parametrize("malformed", ["http://api", "api/", "api test", "api\r\nX: 1", "-", "a,b", "API\n"])
def test_a_host_of_the_apis_that_is_no_name_stops_the_start(
    environment: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], malformed: str
) -> None:
    for name, value in (GIVEN | {"API_HOST": malformed}).items():
        environment.setenv(name, value)

    with pytest.raises(SystemExit):
        load(Settings)

    assert "API_HOST" in capsys.readouterr().err


def test_a_public_address_with_a_path_stops_the_start(
    environment: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, value in GIVEN.items():
        environment.setenv(name, value)
    for malformed in (
        "gittix.test",
        "ftp://gittix.test",
        "https://gittix.test/shop",
        "https://gittix.test?x=1",
    ):
        environment.setenv("PUBLIC_URL", malformed)
        with pytest.raises(SystemExit):
            load(Settings)
        assert "PUBLIC_URL" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("given", "public_url"),
    [("https://gittix.test/", "https://gittix.test"), ("https://GitTix.test:443", "https://gittix.test")],
)
def test_a_public_address_is_kept_as_browsers_write_it(
    environment: pytest.MonkeyPatch, given: str, public_url: str
) -> None:
    for name, value in (GIVEN | {"PUBLIC_URL": given}).items():
        environment.setenv(name, value)

    assert load(Settings).public_url == public_url


@pytest.mark.parametrize("path", ["/", "/nope", "/static/style.css", "/auth/signin"])
async def test_every_answer_has_the_strict_headers(browser: Browser, path: str) -> None:
    answer = await browser.get(path)
    headers = answer.headers

    assert "default-src 'none'" in headers["content-security-policy"]
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert "unsafe" not in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "same-origin"
    assert "camera=()" in headers["permissions-policy"]
    assert len(answer.headers.get_list("content-security-policy")) == 1
    assert len(answer.headers.get_list("cache-control")) <= 1


async def test_a_members_page_is_not_cached(as_user: As) -> None:
    assert (await as_user(a_user()).get("/")).headers["cache-control"] == "no-store"


async def test_head_answers_like_get(browser: Browser) -> None:
    assert (await browser.head("/")).status_code == 200
    assert (await browser.head("/nope")).status_code == 404


async def test_assets_of_a_page_are_kept_for_good_and_asked_for_again_by_etag(browser: Browser) -> None:
    sheet = page(await browser.get("/")).all("link", rel="stylesheet")[-1]["href"]

    answer = await browser.get(sheet)
    again = await browser.get(sheet, headers={"If-None-Match": answer.headers["etag"]})
    bare = await browser.get(sheet.partition("?")[0])

    assert answer.headers["content-type"].startswith("text/css")
    assert "immutable" in answer.headers["cache-control"]
    assert again.status_code == 304
    assert bare.headers["cache-control"] == "no-cache"


async def test_no_file_outside_of_the_assets_is_served(browser: Browser) -> None:
    for path in ("/static/../app.py", "/static/%2e%2e/app.py", "/static/..%2fapp.py", "/static/"):
        assert (await browser.get(path)).status_code == 404


def test_pages_hold_no_address_of_another_site() -> None:
    for folder in ("templates", "static"):
        for file in files("client").joinpath(folder).iterdir():
            if file.is_dir():
                # Third-party files contain the address of their project.
                continue
            text = file.read_text().replace("http://www.w3.org/2000/svg", "")
            assert "://" not in text
            assert "|safe" not in text.replace(" ", "")


@pytest.mark.usefixtures("browser")
async def test_a_browser_that_leaves_while_it_sends_a_form_is_no_error(
    app: FastAPI, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "request")
    part: Message = {"type": "http.request", "body": b"email=", "more_body": True}
    received = iter([part, {"type": "http.disconnect"}])
    sent: list[Message] = []

    async def receive() -> Message:
        return next(received)

    async def send(message: Message) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "method": "POST",
        "path": "/auth/signup",
        "root_path": "",
        "query_string": b"",
        "headers": [(b"host", b"gittix.test"), (b"content-type", b"application/x-www-form-urlencoded")],
    }
    await app(scope, receive, send)

    (line,) = caplog.records
    assert (line.levelname, line.__dict__["status"]) == ("INFO", 499)
    assert sent == []
