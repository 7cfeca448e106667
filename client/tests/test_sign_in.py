import pytest

from client.sign_in import after_sign_in, local


@pytest.mark.parametrize("path", ["/", "/orders", "/tickets/1?x=1#y", "/?q=a%20b", "/?q=http://x.test/"])
def test_a_page_of_ours_is_where_to_go_on(path: str) -> None:
    assert local(path) == path


@pytest.mark.parametrize(
    "path",
    [
        None,
        "",
        "orders",
        "//evil.test",
        "///evil.test",
        "https://evil.test",
        "https:evil.test",
        "/\\evil.test",
        "\\\\evil.test",
        "/\t/evil.test",
        "/\n/evil.test",
        " //evil.test",
        "/ /evil.test",
        "javascript:alert(1)",
        "/" + "x" * 500,
    ],
)
def test_anything_else_is_the_front_page(path: str | None) -> None:
    assert local(path) == "/"


@pytest.mark.parametrize(
    "path",
    [
        "/auth/signout",
        "/auth",
        "/./auth/signout",
        "/%2e/auth/signout",
        "/%61uth/signout",
        "/x/../auth/signout",
        "/x/%2E%2e/auth/signout",
        "/auth%2fsignout",
        "/auth/signout?x=1",
    ],
)
def test_the_way_on_from_signing_in_is_not_signing_out(path: str) -> None:
    assert after_sign_in(path) == "/"


@pytest.mark.parametrize("path", ["/orders", "/authors", "/?q=/auth/signout", "/?q=%2Fauth%2Fsignout"])
def test_the_way_on_from_signing_in_is_the_page_that_was_asked_for(path: str) -> None:
    assert after_sign_in(path) == path
