"""Stripe server in this process: PaymentIntents and idempotency as documented, as far as the gateway needs.

Shapes and rules: docs.stripe.com/api/payment_intents, /api/errors, /api/idempotent_requests.
"""

import asyncio
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager

import uvicorn
from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse

from tests.stripe_answers import Answer, Record, error, missing
from tests.stripe_exchange_server import StripeExchangeServer

_CANCELABLE = ("requires_payment_method", "requires_capture", "requires_confirmation", "requires_action")
_OUTCOMES = {
    "tok_visa": "requires_capture",
    "tok_slow": "requires_capture",
    "tok_timeout": "requires_capture",
    "pm_card_visa": "requires_capture",
    "tok_chargeDeclined": "requires_payment_method",
    "tok_threeDSecure": "requires_action",
    "tok_threeDSecureDeclined": "requires_action",
    "tok_error": "",
    "tok_half": "requires_confirmation",
}


PATIENCE = 1.0
"""The gateway's timeout in tests: a loaded machine answers within it."""
HANG = 2.0


class StripeServer:
    """Stripe's API with inspectable state.

    intents: Stored PaymentIntents, by id.
    requests: Received requests.
    fail_next: Number of next requests that are answered with 500.
    lose_next: Number of next requests whose answer is delayed by `hang`.
    hang: Delay of an answer for `tok_timeout`, in seconds, each time.
    """

    def __init__(self, hang: float = HANG) -> None:
        self.intents: dict[str, Record] = {}
        self.requests: list[tuple[str, str, dict[str, str]]] = []
        self.fail_next = 0
        self.lose_next = 0
        self.hang = hang
        self._saved: dict[str, tuple[Mapping[str, str], Answer]] = {}
        self._running: set[str] = set()
        self.app = FastAPI()
        self.app.add_api_route("/v1/payment_intents", self._create, methods=["POST"])
        self.app.add_api_route("/v1/payment_intents", self._list, methods=["GET"])
        self.app.add_api_route("/v1/payment_intents/{intent_id}", self._retrieve, methods=["GET"])
        self.app.add_api_route("/v1/payment_intents/{intent_id}/confirm", self._confirm, methods=["POST"])
        self.app.add_api_route("/v1/payment_intents/{intent_id}/capture", self._capture, methods=["POST"])
        self.app.add_api_route("/v1/payment_intents/{intent_id}/cancel", self._cancel, methods=["POST"])
        self.after = StripeExchangeServer(self.intents, self.once)
        self.app.include_router(self.after.router)

    def owner_takes_the_step(self, intent_id: str) -> None:
        intent = self.intents[intent_id]
        if intent["token"] == "tok_threeDSecureDeclined":
            intent["status"] = "requires_payment_method"
            card = {"id": f"pm_{intent['id']}_{intent['charges']}"}
            error = {"message": "Your card was declined.", "type": "card_error", "payment_method": card}
            intent["last_payment_error"] = error
        else:
            intent["status"] = "requires_capture"

    async def _create(self, request: Request) -> Response:
        return await self.once(request, self._created)

    async def _created(self, form: Mapping[str, str]) -> Answer:
        if form.get("allowed_payment_method_types[0]") != "card" or "payment_method_types[0]" in form:
            return 400, error("invalid_request_error", "parameter_unknown", "types", "payment_method_types")
        if int(form["amount"]) < 50:
            message = "Amount must be at least $0.50 usd"
            return 400, error("invalid_request_error", "amount_too_small", message, "amount")
        return 200, _shown(self._new(form))

    def _new(self, form: Mapping[str, str]) -> Record:
        intent_id = f"pi_{len(self.intents) + 1:06}"
        intent = self.intents[intent_id] = {
            "id": intent_id,
            "object": "payment_intent",
            "amount": int(form["amount"]),
            "currency": form["currency"],
            "capture_method": form["capture_method"],
            "client_secret": f"{intent_id}_secret_1",
            "created": int(time.time()),
            "last_payment_error": None,
            "metadata": {k[9:-1]: v for k, v in form.items() if k.startswith("metadata[")},
            "status": "requires_payment_method",
            "token": "",
            "latest_charge": None,
            "captures": 0,
            "charges": 0,
        }
        return intent

    async def _confirm(self, request: Request, intent_id: str) -> Response:
        async def act(form: Mapping[str, str]) -> Answer:
            intent = self.intents.get(intent_id)
            if intent is None:
                return 404, missing("payment_intent", intent_id)
            if intent["status"] not in ("requires_payment_method", "requires_confirmation"):
                return 400, _unexpected(intent)
            return self._confirmed(intent, form)

        return await self.once(request, act)

    def _confirmed(self, intent: Record, form: Mapping[str, str]) -> Answer:
        token = form.get("payment_method") or form["payment_method_data[card][token]"]
        status = _OUTCOMES.get(token)
        if status is None:
            param = "payment_method" if "payment_method" in form else "payment_method_data[card][token]"
            return 400, error("invalid_request_error", "resource_missing", f"No such token: {token}", param)
        if not status:
            return 500, error("api_error", None, "An unknown error occurred")
        intent |= {"status": status, "token": token, "last_payment_error": None}
        intent["charges"] += 1
        if status != "requires_payment_method":
            return 200, _shown(intent)
        failure = error("card_error", "card_declined", "Your card was declined.")
        failure["error"]["charge"] = f"ch_{intent['id']}_{intent['charges']}"
        intent["last_payment_error"] = dict(failure["error"])
        failure["error"]["payment_intent"] = _shown(intent)
        return 402, failure

    async def _list(self, request: Request) -> Response:
        query = request.query_params
        since, after = int(query.get("created[gte]", 0)), query.get("starting_after")
        newest = [i for i in reversed(self.intents.values()) if i["created"] >= since]
        start = 0 if after is None else next(n for n, i in enumerate(newest) if i["id"] == after) + 1
        page = newest[start : start + int(query["limit"])]
        more = start + len(page) < len(newest)
        data = [_shown(intent) for intent in page]
        return JSONResponse({"object": "list", "url": "/v1/payment_intents", "has_more": more, "data": data})

    async def _retrieve(self, intent_id: str) -> Response:
        intent = self.intents.get(intent_id)
        if intent is None:
            return JSONResponse(missing("payment_intent", intent_id), 404)
        return JSONResponse(_shown(intent))

    async def _capture(self, request: Request, intent_id: str) -> Response:
        return await self._move(request, intent_id, ("requires_capture",), "succeeded")

    async def _cancel(self, request: Request, intent_id: str) -> Response:
        return await self._move(request, intent_id, _CANCELABLE, "canceled")

    async def _move(self, request: Request, intent_id: str, within: tuple[str, ...], status: str) -> Response:
        async def act(_form: Mapping[str, str]) -> Answer:
            intent = self.intents.get(intent_id)
            if intent is None:
                return 404, missing("payment_intent", intent_id)
            if intent["status"] not in within:
                return 400, _unexpected(intent)
            intent["status"] = status
            intent["captures"] += status == "succeeded"
            intent["latest_charge"] = f"ch_{intent_id}"
            return 200, _shown(intent)

        return await self.once(request, act)

    async def once(self, request: Request, act: Callable[[Mapping[str, str]], Awaitable[Answer]]) -> Response:
        """Saves the first answer to a key and repeats it. Two concurrent requests with one key conflict."""
        key = request.headers.get("idempotency-key") or str(len(self.requests))
        form = {name: str(value) for name, value in (await request.form()).items()}
        self.requests.append((request.url.path, key, form))
        if key in self._running:
            return JSONResponse(error("invalid_request_error", "idempotency_key_in_use", "In use"), 409)
        if key in self._saved and self._saved[key][0] != form:
            return JSONResponse(error("idempotency_error", None, "Other parameters"), 400)
        if key not in self._saved:
            self._running.add(key)
            await asyncio.sleep(0.01)
            answer = (500, error("api_error", None, "Down")) if self._fails() else await act(form)
            if answer[0] != 409:
                self._saved[key] = (form, answer)
            self._running.discard(key)
        if form.get("payment_method_data[card][token]") == "tok_timeout" or self._loses():
            await asyncio.sleep(self.hang)
        status, body = self._saved[key][1]
        return JSONResponse(body, status, headers={"stripe-should-retry": "false"} if status >= 500 else None)

    def _fails(self) -> bool:
        self.fail_next -= 1
        return self.fail_next >= 0

    def _loses(self) -> bool:
        self.lose_next -= 1
        return self.lose_next >= 0


def _shown(intent: Record) -> Record:
    return {name: value for name, value in intent.items() if name not in ("token", "captures", "charges")}


def _unexpected(intent: Record) -> Record:
    message = f"This PaymentIntent has a status of {intent['status']}."
    failure = error("invalid_request_error", "payment_intent_unexpected_state", message)
    failure["error"]["payment_intent"] = _shown(intent)
    return failure


@asynccontextmanager
async def serving(server: StripeServer) -> AsyncIterator[str]:
    """Runs the server on a free port; yields its address."""
    listening = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(
        server.app, log_config=None, lifespan="off", ws="none", timeout_graceful_shutdown=1
    )
    running = uvicorn.Server(config)
    running.install_signal_handlers = lambda: None  # type: ignore[attr-defined]  # of older releases
    task = asyncio.create_task(running.serve(sockets=[listening]))
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        running.should_exit = True
        await task
        listening.close()
