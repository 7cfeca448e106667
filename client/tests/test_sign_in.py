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


def test_the_way_on_from_signing_in_is_not_signing_out() -> None:
    assert after_sign_in("/auth/signout") == "/"
    assert after_sign_in("/orders") == "/orders"
