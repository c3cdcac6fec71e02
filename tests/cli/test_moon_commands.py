"""`fastzt moon`, `orbit` and `deorbit` with a moon's root that runs beside a planet's."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from support.cli import PATIENCE, Background, Cli
from support.ports import free_port
from support.vectors import committed

SECRETS = [case["secret_string"] for case in committed("identity", "identity")]
LIMIT = str(PATIENCE)


def state_of(cli: Cli, directory: Path, number: int) -> Path:
    """A state directory with the numbered identity."""
    secret, state = directory / f"{number}.secret", directory / f"state{number}"
    secret.write_text(SECRETS[number])
    cli.good("identity", "import", str(secret), "--state", str(state))
    return state


def test_a_moon_is_made_served_found_and_left(cli: Cli, tmp_path: Path) -> None:
    root, lunar, member = (state_of(cli, tmp_path, number) for number in (0, 1, 2))
    port, planet, file = free_port(), str(root / "planet"), str(tmp_path / "own.moon")
    made = cli.json("moon", "make", "--root", f"{tmp_path / '1.secret'}@127.0.0.1/{port}", "-o", file)
    moon = made["id"]
    assert moon == f"000000{SECRETS[1][:10]}"
    assert cli.json("moon", "show", file)["roots"] == made["roots"]
    assert f"moon {moon}" in cli.good("moon", "show", file)
    with Background("root", "--endpoint", f"127.0.0.1/{free_port()}", "--state", str(root)) as first:
        first.told()
        options = ("--planet", planet, "--timeout", LIMIT)
        assert moon in cli.good("orbit", file, "--state", str(lunar), *options)
        with Background("root", "--state", str(lunar), "--planet", planet) as second:
            assert second.told()["port"] == port
            found = cli.json("orbit", moon, SECRETS[1][:10], "--state", str(member), *options)
            assert found == {"id": moon, "timestamp": made["timestamp"], "roots": [SECRETS[1][:10]]}
            assert (member / "moons.d" / f"{moon}.moon").read_bytes() == Path(file).read_bytes()
            peers = cli.json("peers", "--state", str(member), *options)
            assert {peer["id"] for peer in peers if peer["role"] == "root"} == {
                SECRETS[0][:10],
                SECRETS[1][:10],
            }
            cli.good("deorbit", moon, "--state", str(member), "--planet", planet)
            assert not (member / "moons.d" / f"{moon}.moon").exists()
            assert cli("deorbit", moon, "--state", str(member), "--planet", planet)[0] == 1


@pytest.mark.parametrize(
    "arguments",
    [
        ("orbit", "no such file"),
        ("orbit", "not hex", "1234567890"),
        ("orbit", "12345", "not an address"),
        ("deorbit", "xyz"),
        ("moon", "show", "no such file"),
    ],
)
def test_what_is_wrong_is_named(cli: Cli, tmp_path: Path, arguments: tuple[str, ...]) -> None:
    state = () if arguments[0] == "moon" else ("--state", str(state_of(cli, tmp_path, 3)))
    status, _, err = cli(*arguments, *state)
    assert status == 2
    assert err.count("\n") == 1
    assert "Traceback" not in err


def test_a_planet_is_no_moon(cli: Cli, tmp_path: Path) -> None:
    state_of(cli, tmp_path, 0)
    planet = tmp_path / "planet"
    cli.good("planet", "make", "--root", f"{tmp_path / '0.secret'}@127.0.0.1/9993", "-o", str(planet))
    status, _, err = cli("moon", "show", str(planet))
    assert (status, "not a moon" in err) == (2, True)
    assert json.loads(cli.good("planet", "show", str(planet), "--json"))["roots"]


def test_a_moon_from_json(cli: Cli, tmp_path: Path) -> None:
    for number in (0, 1):
        state_of(cli, tmp_path, number)
    body = json.loads(
        cli.good("moon", "init", str(tmp_path / "1.secret"), "--key", str(tmp_path / "0.secret"))
    )
    body["roots"][0]["stableEndpoints"] = ["127.0.0.1/9993"]
    source, target = tmp_path / "moon.json", tmp_path / "own.moon"
    source.write_text(json.dumps(body))
    made = cli.json("moon", "make", "--from", str(source), "-o", str(target))
    assert made["id"] == f"000000{SECRETS[1][:10]}"
    told = cli.json("moon", "show", str(target))
    assert told["self_signed"]
    assert told["roots"] == [{"address": SECRETS[1][:10], "endpoints": ["127.0.0.1/9993"]}]
    for text in ("[]", "{", "{}"):
        source.write_text(text)
        assert cli("moon", "make", "--from", str(source))[0] == 2
    assert cli("moon", "make")[0] == 2
