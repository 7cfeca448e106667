"""Codings and versions of the assets."""

import gzip

import httpx
import pytest
from tests.conftest import Browser

from client.negotiation import GZIP, IDENTITY, best_coding, matches

SHEET = "/static/style.css"


@pytest.mark.parametrize(
    ("accepted", "coding"),
    [
        ([], IDENTITY),
        ([""], IDENTITY),
        (["gzip"], GZIP),
        (["GZIP"], GZIP),
        (["br, gzip;q=0.8"], GZIP),
        (["br", "gzip"], GZIP),
        (["gzip;q=0"], IDENTITY),
        (["gzip; q=0.0"], IDENTITY),
        (["gzip;q=0.2, identity;q=0.9"], IDENTITY),
        (["br"], IDENTITY),
        (["*"], GZIP),
        (["*;q=0, gzip"], GZIP),
        (["*;q=0.5, gzip;q=0"], IDENTITY),
        (["identity"], IDENTITY),
        (["identity;q=0"], None),
        (["identity;q=0, *"], GZIP),
        (["*;q=0"], None),
        (["gzip;q=0, identity;q=0"], None),
        (["gzip;q=0, *;q=0"], None),
        (["gzip;q=nan"], IDENTITY),
        (["gzip;q=x"], IDENTITY),
        (["gzip;q=-1"], IDENTITY),
        (["gzip;q=1e400"], IDENTITY),
        (["xgzip"], IDENTITY),
        ([";;,,=;q=q,"], IDENTITY),
    ],
    ids=str,
)
def test_the_coding_is_one_that_the_browser_takes(accepted: list[str], coding: str | None) -> None:
    assert best_coding(accepted) == coding


@pytest.mark.parametrize("line", ['"a"', 'W/"a"', '"b", "a"', '"b",W/"a" , "c"', "*", " * "])
def test_a_version_that_the_browser_has_is_found(line: str) -> None:
    assert matches('"a"', [line])
    assert matches('"a"', ['"x"', line])


@pytest.mark.parametrize("line", ["", '"b"', "a", '"a', '"aa"', '"*"', '"a-gzip"'])
def test_another_version_is_none_of_its_own(line: str) -> None:
    assert not matches('"a"', [line])


async def fetched(browser: Browser, coding: str, **headers: str) -> httpx.Response:
    return await browser.get(SHEET, headers={"Accept-Encoding": coding} | headers)


async def test_a_browser_that_refuses_gzip_gets_the_file_as_it_is(browser: Browser) -> None:
    plain, packed = await fetched(browser, "gzip;q=0"), await fetched(browser, "gzip")

    assert "content-encoding" not in plain.headers
    assert packed.headers["content-encoding"] == "gzip"
    assert plain.content == packed.content
    assert len(gzip.compress(plain.content, 9)) == int(packed.headers["content-length"])


async def test_each_coding_has_a_tag_of_its_own(browser: Browser) -> None:
    plain, packed = await fetched(browser, "identity"), await fetched(browser, "gzip")
    tag = plain.headers["etag"]

    assert tag != packed.headers["etag"]
    assert {plain.headers["vary"], packed.headers["vary"]} == {"Accept-Encoding"}
    assert (await fetched(browser, "identity", **{"If-None-Match": tag})).status_code == 304
    assert (await fetched(browser, "gzip", **{"If-None-Match": tag})).status_code == 200


async def test_any_version_is_there_already(browser: Browser) -> None:
    answer = await fetched(browser, "gzip", **{"If-None-Match": "*"})

    assert (answer.status_code, answer.content) == (304, b"")
    assert answer.headers["etag"]


async def test_a_browser_that_takes_no_coding_is_told_so(browser: Browser) -> None:
    answer = await fetched(browser, "gzip;q=0, identity;q=0")

    assert answer.status_code == 406
    assert "Accept-Encoding" in answer.headers["vary"]


async def test_an_asset_is_only_read(browser: Browser) -> None:
    answer = await browser.put(SHEET)

    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, HEAD")
    assert (await browser.head(SHEET)).status_code == 200
