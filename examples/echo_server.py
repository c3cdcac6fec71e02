"""An echo server on a network: `python examples/echo_server.py NETWORK [STATE]`; Ctrl-C ends it."""

import contextlib
import sys
import threading

import fastzt


def echo(connection: fastzt.Socket) -> None:
    """Send back what comes."""
    with connection, contextlib.suppress(OSError):
        while data := connection.recv(65536):
            connection.sendall(data)


def main(network: str, state: str = "echo-server") -> None:
    """Serve until interrupted."""
    with fastzt.Node(state=state) as node:
        print("node", node.id, flush=True)
        net = node.join(network, wait=True)
        with net.listen(7) as listener:
            print("listening on", *(str(address.ip) for address in net.addresses), "port 7", flush=True)
            while True:
                connection, _ = listener.accept()
                threading.Thread(target=echo, args=(connection,), daemon=True).start()


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        main(*sys.argv[1:])
