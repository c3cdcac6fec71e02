"""udp-listen, udp-send and ping on a network of their own."""

from __future__ import annotations

from support.cli import Background, Cli
from support.house import SECRETS, House


def test_listen_and_send(house: House, cli: Cli) -> None:
    with Background("udp-listen", "9000", "--echo", "--count", "2", *house.member(2)) as server:
        where = server.told()
        assert (where["node"], where["port"]) == (SECRETS[2][:10], 9000)
        send = ["udp-send", where["listening"], "9000"]
        assert cli.good(*send, "one\u00e9\n", *house.member(1)) == ""
        first = server.told()
        assert (first["data"], first["size"]) == ("one\u00e9\n", 6)
        answer = cli.json(*send, "two", "--reply", *house.member(1))
        assert (answer["sent"], answer["reply"]) == (3, "two")
        assert server.told()["data"] == "two"
        assert server.ended() == (0, "")
    status, out, err = cli(*send, "three", "--reply", *house.member(1)[:-1], "2")
    assert (status, out) == (1, "")
    assert err.count("\n") == 1


def test_ping(house: House, cli: Cli) -> None:
    with Background("udp-listen", "9000", *house.member(2)) as other:
        address = other.told()["listening"]
        ping = ["ping", address, "--interval", "0.01", "--reply-timeout", "30", *house.member(1)]
        text = cli.good(*ping, "-c", "2", "-s", "2700").splitlines()
        assert text[0].startswith(f"2700 bytes from {address}: seq=0 time=")
        assert text[2] == "2 sent, 2 received"
        assert text[3].startswith("round trip min ")
        *echoes, told = [line for line in cli.good(*ping, "-c", "3", "--json").splitlines() if line]
        assert len(echoes) == 3
        assert '"sent": 3, "received": 3' in told
        status, out, err = cli("ping", "192.0.2.1", *house.member(1))
        assert (status, out) == (1, "")
        assert "no route to 192.0.2.1" in err
        status, _, err = cli("ping", "10.121.15.98", "-c", "1", "--reply-timeout", "0.1", *house.member(1))
        assert (status, err) == (1, "fastzt: 10.121.15.98 does not answer\n")
