"""Connections from every process to every server.

The servers that a process needs answer, and the NetworkPolicies block all others.
"""

import asyncio
import json

from infra.verify.kubernetes.application import deployment
from infra.verify.kubernetes.cluster import Cluster
from infra.verify.kubernetes.marketplace import PROCESSES
from infra.verify.kubernetes.suite import Suite, Verdict

NEEDS = {
    "auth": {"auth-mongo-srv", "nats-srv"},
    "tickets": {"tickets-mongo-srv", "nats-srv"},
    "orders": {"orders-mongo-srv", "nats-srv"},
    "payments": {"payments-mongo-srv", "nats-srv"},
    "expiration": {"expiration-redis-srv", "nats-srv"},
    "expiration-worker": {"expiration-redis-srv", "nats-srv"},
    "client": {"nats-srv"},
}
SERVERS = {
    "auth-mongo-srv": 27017,
    "tickets-mongo-srv": 27017,
    "orders-mongo-srv": 27017,
    "payments-mongo-srv": 27017,
    "expiration-redis-srv": 6379,
    "nats-srv": 4222,
    # No service calls another service's API.
    "auth-srv": 3000,
    "tickets-srv": 3000,
}
TRY = """
import json, socket, sys
from concurrent.futures import ThreadPoolExecutor
def answers(server):
    try:
        socket.create_connection(server, 2).close()
    except OSError:
        return False
    return True
servers = json.loads(sys.argv[1])
with ThreadPoolExecutor(len(servers)) as pool:
    print(json.dumps(list(pool.map(answers, map(tuple, servers)))))
"""


async def run(suite: Suite) -> Verdict:
    answers = dict(
        zip(PROCESSES, await asyncio.gather(*(reach(suite.cluster, p) for p in PROCESSES)), strict=True)
    )
    wrong = 0
    for process, reached in answers.items():
        for server in sorted(reached ^ NEEDS[process]):
            wrong += 1
            print(f"          {process} {'reaches' if server in reached else 'does not reach'} {server}")
    tried = len(PROCESSES) * len(SERVERS)
    needed = sum(map(len, NEEDS.values()))
    return Verdict(
        not wrong,
        f"{tried} ways tried, {needed} are needed and open, {tried - needed} are closed, {wrong} wrong",
    )


async def reach(cluster: Cluster, process: str) -> set[str]:
    """Servers that accept a connection from a pod of the process."""
    command = ("exec", deployment(process), "--", "python", "-c", TRY, json.dumps(list(SERVERS.items())))
    answered = json.loads(await cluster.kubectl(*command))
    return {server for server, ok in zip(SERVERS, answered, strict=True) if ok}
