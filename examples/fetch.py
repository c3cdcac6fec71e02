"""Fetch a page from a member of a network: `python examples/fetch.py NETWORK URL` (needs fastzt[http])."""

import sys

import httpx

import fastzt
from fastzt.integrations.httpx import Transport


def main(network: str, url: str, state: str = "fetch") -> None:
    """One GET."""
    with fastzt.Node(state=state) as node:
        net = node.join(network, wait=True)
        with httpx.Client(transport=Transport(net), timeout=30) as client:
            answer = client.get(url)
            print(answer.status_code)
            print(answer.text)


if __name__ == "__main__":
    main(*sys.argv[1:])
