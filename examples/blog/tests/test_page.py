"""The page, over an edge whose responses the test sets."""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest

from blog import page
from blog.service import POSITION
from blog.settings import PageSettings
from common.testing.browser import running

POSTS = [
    {
        "id": "p1",
        "title": "Fruit & <b>more</b>",
        "comments": [
            {"id": "c1", "content": "I like apples", "status": "approved"},
            {"id": "c2", "content": "a pending one", "status": "pending"},
            {"id": "c3", "content": "a rejected one", "status": "rejected"},
        ],
    }
]
REFUSED = {"errors": [{"code": "content-too-long", "message": "Content is too long", "field": "content"}]}


@dataclass
class Edge:
    """Fake edge. asked: All requests. answer: Returns the response to a request."""

    answer: Callable[[httpx.Request], httpx.Response]
    asked: list[httpx.Request] = field(default_factory=list)

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        return self.answer(request)


@pytest.fixture
def edge() -> Edge:
    return Edge(lambda _request: httpx.Response(200, json=POSTS, headers={"ETag": '"7"'}))


@pytest.fixture
async def client(edge: Edge) -> AsyncIterator[httpx.AsyncClient]:
    settings = PageSettings(api_base_url="http://edge")
    async with running(page.create_app(settings, httpx.MockTransport(edge))) as client:
        yield client


def posts_and(write: httpx.Response) -> Callable[[httpx.Request], httpx.Response]:
    return lambda request: write if request.method == "POST" else httpx.Response(200, json=POSTS)


async def test_comments_are_shown_once_they_are_approved(client: httpx.AsyncClient) -> None:
    html = (await client.get("/")).text

    assert "I like apples" in html
    assert "This comment is awaiting moderation" in html
    assert "This comment has been rejected" in html
    assert "a pending one" not in html
    assert "a rejected one" not in html


async def test_users_input_is_shown_as_text(client: httpx.AsyncClient) -> None:
    answer = await client.get("/")

    assert "Fruit &amp; &lt;b&gt;more&lt;/b&gt;" in answer.text
    assert answer.headers["content-security-policy"] == "default-src 'self'"


@pytest.mark.parametrize("path", ["page.js", "page.css", "icon.svg"])
async def test_the_files_of_the_page_exist(client: httpx.AsyncClient, path: str) -> None:
    assert f"/static/{path}" in (await client.get("/")).text
    assert (await client.get(f"/static/{path}")).status_code == 200


async def test_the_edge_is_asked_as_the_browser_asked(client: httpx.AsyncClient, edge: Edge) -> None:
    await client.get("/?since=7", headers={"Host": "posts.com"})

    (request,) = edge.asked
    assert (request.url.host, request.headers["host"]) == ("edge", "posts.com")
    assert request.url.params["since"] == "7"


async def test_a_browser_that_has_the_list_receives_a_304(client: httpx.AsyncClient, edge: Edge) -> None:
    assert (await client.get("/")).headers["etag"] == '"7"'
    edge.answer = lambda _request: httpx.Response(304, headers={"ETag": '"7"'})

    answer = await client.get("/", headers={"If-None-Match": '"7"'})

    assert (answer.status_code, answer.content) == (304, b"")
    assert edge.asked[-1].headers["if-none-match"] == '"7"'


async def test_a_write_leads_to_a_list_that_has_it(client: httpx.AsyncClient, edge: Edge) -> None:
    edge.answer = posts_and(httpx.Response(201, json={}, headers={POSITION: "42"}))

    answer = await client.post("/new-post", data={"title": "Fruit"})

    assert (answer.status_code, answer.headers["location"]) == (303, "/?since=42")
    assert (edge.asked[0].url.path, edge.asked[0].content) == ("/posts/create", b'{"title":"Fruit"}')


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (httpx.Response(400, json=REFUSED), "Content is too long"),
        (httpx.Response(503, json={"errors": [{"code": "unavailable", "message": "x"}]}), "taken right now"),
        (httpx.Response(413, html="<h1>nginx</h1>"), "taken right now"),
    ],
)
async def test_the_typed_input_is_shown_again_when_it_is_refused(
    client: httpx.AsyncClient, edge: Edge, answer: httpx.Response, said: str
) -> None:
    edge.answer = posts_and(answer)

    comment = await client.post("/new-comment/p1", data={"content": 'my "words"'})
    post = await client.post("/new-post", data={"title": "my title"})

    assert (comment.status_code, post.status_code) == (answer.status_code, answer.status_code)
    assert said in comment.text
    assert 'value="my &#34;words&#34;"' in comment.text
    assert 'value="my title"' in post.text


async def test_without_query_the_page_says_so_and_takes_posts(client: httpx.AsyncClient, edge: Edge) -> None:
    def down(request: httpx.Request) -> httpx.Response:
        if request.method == "GET":
            raise httpx.ConnectError("refused")
        return httpx.Response(201, json={}, headers={POSITION: "1"})

    edge.answer = down

    shown = await client.get("/")
    assert shown.status_code == 503
    assert "can&#39;t be read right now" in shown.text
    assert "Nobody has posted anything" not in shown.text
    assert (await client.post("/new-post", data={"title": "Fruit"})).status_code == 303


@pytest.mark.parametrize("post", ["..%2F..%2Fevents", "%3Fa=b", "a%20b", "%23"])
async def test_an_id_is_one_part_of_the_path_whatever_is_in_it(
    client: httpx.AsyncClient, edge: Edge, post: str
) -> None:
    await client.post(f"/new-comment/{post}", data={"content": "x"})

    for request in edge.asked:
        if request.method == "POST":
            assert request.url.raw_path == f"/posts/{post}/comments".replace("=", "%3D").encode()


async def test_another_sites_form_is_refused(client: httpx.AsyncClient, edge: Edge) -> None:
    answer = await client.post("/new-post", data={"title": "x"}, headers={"Origin": "http://elsewhere"})

    assert answer.status_code == 403
    assert edge.asked == []


@pytest.mark.parametrize("body", [b"title=\xff\xfe%ED%A0%80%00", b"=&&==", b"title", b"\x00"])
async def test_a_hostile_form_is_answered(client: httpx.AsyncClient, edge: Edge, body: bytes) -> None:
    edge.answer = posts_and(httpx.Response(400, json=REFUSED))
    form: dict[str, Any] = {"Content-Type": "application/x-www-form-urlencoded"}

    answer = await client.post("/new-post", content=body, headers=form)

    assert answer.status_code == 400
