"""Commands that need no network: identities, planets, controller records; and what bad input does."""

from __future__ import annotations

import io
import stat
from pathlib import Path

import pytest
from support.cli import Cli
from support.vectors import committed

from fastzt.identity.identity import Identity
from fastzt.wire.planet import DEFAULT_PLANET
from fastzt.wire.world import World

SECRETS = [case["secret_string"] for case in committed("identity", "identity")]
OWN, MEMBER = Identity.parse(SECRETS[0]), Identity.parse(SECRETS[1])
NWID = "9ad07d01093a69e3"


@pytest.fixture
def secret(tmp_path: Path) -> str:
    path = tmp_path / "own.secret"
    path.write_text(SECRETS[0] + "\n")
    return str(path)


# Identities


def test_a_new_identity_is_stored_privately_and_shown(cli: Cli, tmp_path: Path) -> None:
    state = tmp_path / "state"
    made = cli.json("identity", "new", "--state", str(state))
    stored = Identity.parse((state / "identity.secret").read_text())
    assert stored.has_secret
    assert stored.validate()
    assert made == {"address": f"{stored.address:010x}", "identity": stored.to_text()}
    assert stat.S_IMODE((state / "identity.secret").stat().st_mode) == 0o600
    assert cli.good("identity", "show", "--state", str(state)) == stored.to_text() + "\n"
    assert "holds an identity already" in cli.bad("identity", "new", "--state", str(state))
    assert Identity.parse((state / "identity.secret").read_text()) == stored


def test_a_new_identity_into_a_file(cli: Cli, tmp_path: Path) -> None:
    path = tmp_path / "id.secret"
    cli.good("identity", "new", "--output", str(path), "--state", str(tmp_path / "state"))
    assert Identity.parse(path.read_text()).has_secret
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert not (tmp_path / "state").exists()
    before = path.read_text()
    assert str(path) in cli.bad("identity", "new", "--output", str(path))
    assert path.read_text() == before


def test_import_and_show_never_print_the_secret(cli: Cli, secret: str, tmp_path: Path) -> None:
    state = str(tmp_path / "state")
    assert cli.json("identity", "import", secret, "--state", state)["address"] == f"{OWN.address:010x}"
    shown = cli.good("identity", "show", "--state", state)
    assert shown == OWN.to_text() + "\n"
    assert Identity.parse((tmp_path / "state/identity.secret").read_text()).has_secret
    assert "already" in cli.bad("identity", "import", secret, "--state", state)


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("hello", "fields"),
        (OWN.to_text(), "no secret"),
        (SECRETS[0].replace(":0:", ":1:"), "type"),
        (SECRETS[0][:-2], "secret key"),
        ("ffffffffff" + SECRETS[0][10:], "reserved"),
        (f"{MEMBER.address:010x}" + SECRETS[0][10:], "does not follow from its key"),
    ],
)
def test_a_bad_identity_is_named_and_nothing_written(cli: Cli, tmp_path: Path, text: str, named: str) -> None:
    path = tmp_path / "bad.secret"
    path.write_text(text)
    line = cli.bad("identity", "import", str(path), "--state", str(tmp_path / "state"))
    assert str(path) in line
    assert named in line
    assert not (tmp_path / "state").exists()


def test_a_missing_identity_file_is_named(cli: Cli, tmp_path: Path) -> None:
    assert "none.secret" in cli.bad("identity", "show", str(tmp_path / "none.secret"))


# Planets


def test_the_built_in_planet_is_shown(cli: Cli) -> None:
    shown = cli.json("planet", "show")
    assert shown["id"] == f"{149604618:016x}"
    assert shown["self_signed"] is True
    assert [len(root["endpoints"]) for root in shown["roots"]] == [2, 2, 2, 2]
    assert "cafe9efeb9  104.194.8.134/9993" in cli.good("planet", "show")


def test_a_planet_is_made_signed_and_shown(cli: Cli, secret: str, tmp_path: Path) -> None:
    public = tmp_path / "member.public"
    public.write_text(MEMBER.to_text())
    path = tmp_path / "planet.bin"
    roots = ["--root", f"{public}@192.0.2.7/9993", "--root", f"{secret}@192.0.2.1/9993,2001:db8::1/9993"]
    made = cli.json("planet", "make", *roots, "--output", str(path))
    assert made == {"file": str(path), **cli.json("planet", "show", str(path))}
    assert made["self_signed"] is True
    assert [root["address"] for root in made["roots"]] == [f"{MEMBER.address:010x}", f"{OWN.address:010x}"]
    assert made["roots"][1]["endpoints"] == ["192.0.2.1/9993", "2001:db8::1/9993"]
    world = World.parse(path.read_bytes())
    assert world.update_key == OWN.public


@pytest.mark.parametrize(
    ("root", "named"),
    [
        ("{secret}", "file@ip/port"),
        ("{secret}@192.0.2.1", "192.0.2.1"),
        ("{secret}@example.com/9993", "example.com/9993"),
        ("{secret}@192.0.2.1/0", "192.0.2.1/0"),
        ("nowhere@192.0.2.1/9993", "nowhere"),
    ],
)
def test_a_bad_root_is_named_and_nothing_written(
    cli: Cli, secret: str, tmp_path: Path, root: str, named: str
) -> None:
    line = cli.bad("planet", "make", "--root", root.format(secret=secret), "-o", str(tmp_path / "p"))
    assert named in line
    assert not (tmp_path / "p").exists()


def test_a_planet_needs_a_key_to_sign_with(cli: Cli, tmp_path: Path) -> None:
    public = tmp_path / "own.public"
    public.write_text(OWN.to_text())
    root = f"{public}@192.0.2.1/9993"
    assert "--key" in cli.bad("planet", "make", "--root", root, "-o", "p")
    assert "no secret" in cli.bad("planet", "make", "--root", root, "--key", str(public), "-o", "p")
    assert not (tmp_path / "p").exists()


BAD_PLANETS = [
    (b"", "malformed"),
    (DEFAULT_PLANET[:-1], "malformed"),
    (b"\x02" + DEFAULT_PLANET[1:], "malformed"),
    (b"\x7f" + DEFAULT_PLANET[1:] + b"\0\0", "moon"),
    (b"x" * 9000, "longer"),
]


@pytest.mark.parametrize(("data", "named"), BAD_PLANETS)
def test_a_bad_planet_is_named(cli: Cli, tmp_path: Path, data: bytes, named: str) -> None:
    path = tmp_path / "bad.planet"
    path.write_bytes(data)
    line = cli.bad("planet", "show", str(path))
    assert str(path) in line
    assert named in line
    state = tmp_path / "state"
    assert str(path) in cli.bad("join", NWID, "--planet", str(path), "--state", str(state))
    assert not state.exists()


# Bad arguments of the commands that run a node: nothing is written


@pytest.mark.parametrize("nwid", ["9ad07d01093a69e", "9ad07d01093a69e33", "9ad07d01093a69eg", "network"])
def test_a_bad_network_id_is_named(cli: Cli, tmp_path: Path, nwid: str) -> None:
    state = tmp_path / "state"
    assert repr(nwid) in cli.bad("join", nwid, "--state", str(state))
    assert repr(nwid) in cli.bad("listen", "80", "--network", nwid, "--state", str(state))
    assert not state.exists()


BAD_URLS = ["", "10.1.2.3", "ftp://10.1.2.3/", "http://", "http://10.1.2.3:99999/", "http://[::1"]


@pytest.mark.parametrize("url", BAD_URLS)
def test_a_bad_url_is_named(cli: Cli, tmp_path: Path, url: str) -> None:
    state = tmp_path / "state"
    assert repr(url) in cli.bad("call", url, "--network", NWID, "--state", str(state))
    assert not state.exists()


@pytest.mark.parametrize("port", ["0", "65536", "-1", "http"])
def test_a_bad_port_is_named(cli: Cli, tmp_path: Path, port: str) -> None:
    state = tmp_path / "state"
    assert repr(port) in cli.bad("listen", "--network", NWID, "--state", str(state), "--", port)
    assert not state.exists()


def test_environment_variables_stand_for_options(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FASTZT_NETWORK", "wrong")
    assert "'wrong'" in cli.bad("call", "http://10.1.2.3/")
    monkeypatch.setenv("FASTZT_NETWORK", NWID)
    monkeypatch.setenv("FASTZT_PLANET", str(tmp_path / "missing"))
    assert "missing" in cli.bad("call", "http://10.1.2.3/")
    monkeypatch.setenv("FASTZT_STATE", str(tmp_path / "state"))
    assert str(tmp_path / "state") in cli.bad("controller", "list")
    assert not (tmp_path / "state").exists()


@pytest.mark.parametrize(
    "arguments", [["join"], ["nonsense"], ["planet", "make"], ["join", NWID, "--nonsense"]]
)
def test_usage_errors_end_with_status_2(cli: Cli, arguments: list[str]) -> None:
    status, out, err = cli(*arguments)
    assert (status, out) == (2, "")
    assert "Error: " in err


def commands() -> list[list[str]]:
    from fastzt.cli.app import group

    found: list[list[str]] = [[]]
    for name, command in group.commands.items():
        found.append([name])
        found.extend([name, sub] for sub in getattr(command, "commands", {}))
    return found


@pytest.mark.parametrize("command", commands(), ids=" ".join)
def test_every_command_has_help(cli: Cli, command: list[str]) -> None:
    status, out, _ = cli(*command, "--help")
    assert status == 0
    assert out.startswith("Usage: fastzt")


def test_every_option_has_an_environment_variable() -> None:
    import click

    from fastzt.cli.app import group

    def leaves(command: click.Command) -> list[click.Command]:
        if isinstance(command, click.Group):
            return [leaf for sub in command.commands.values() for leaf in leaves(sub)]
        return [command]

    for command in leaves(group):
        for option in command.params:
            if isinstance(option, click.Option) and option.name != "help":
                assert option.show_envvar, f"{command.name} {option.opts}"


# The controller's records


@pytest.fixture
def state(cli: Cli, secret: str, tmp_path: Path) -> str:
    directory = str(tmp_path / "state")
    cli.good("identity", "import", secret, "--state", directory)
    return directory


def test_networks_and_members_are_kept(cli: Cli, state: str) -> None:
    subnet = ["--subnet", "10.1.2.0/24", "--subnet", "fd00:1::/64"]
    nwid = cli.good("controller", "create", "--name", "office", *subnet, "--state", state).strip()
    assert int(nwid, 16) >> 24 == OWN.address
    [record] = cli.json("controller", "list", "--state", state)
    assert (record["id"], record["name"], record["private"]) == (nwid, "office", True)
    assert record["ipAssignmentPools"][0] == {"ipRangeStart": "10.1.2.1", "ipRangeEnd": "10.1.2.254"}
    assert (record["v4AssignMode"]["zt"], record["v6AssignMode"]["zt"]) == (True, True)
    member = f"{MEMBER.address:010x}"
    [changed] = cli.json("controller", "authorize", nwid, member, "--ip", "10.1.2.9", "--state", state)
    assert (changed["authorized"], changed["ipAssignments"]) == (True, ["10.1.2.9"])
    assert cli.json("controller", "list", nwid, "--state", state) == [changed]
    rows = cli.good("controller", "list", nwid, "--state", state).splitlines()
    assert rows[1] == f"{member}\ttrue\t10.1.2.9"
    revoke = ["controller", "authorize", nwid, member, "--revoke", "--state", state]
    assert "not authorized" in cli.good(*revoke)
    assert cli.json("controller", "list", nwid, "--state", state)[0]["authorized"] is False


def test_bad_controller_arguments_are_named(cli: Cli, state: str, tmp_path: Path) -> None:
    assert "hosts no networks" in cli.bad("controller", "list", "--state", state)
    assert "10.1.2.1/24" in cli.bad("controller", "create", "--subnet", "10.1.2.1/24", "--state", state)
    assert "name" in cli.bad("controller", "create", "--name", "x" * 128, "--state", state)
    nwid = cli.good("controller", "create", "--public", "--state", state).strip()
    authorize = ["controller", "authorize"]
    assert "'ff00000000'" in cli.bad(*authorize, nwid, "ff00000000", "--state", state)
    assert "'short'" in cli.bad(*authorize, nwid, "short", "--state", state)
    assert NWID in cli.bad(*authorize, NWID, f"{MEMBER.address:010x}", "--state", state)
    assert "'ten'" in cli.bad(*authorize, nwid, f"{MEMBER.address:010x}", "--ip", "ten", "--state", state)
    assert cli.json("controller", "list", nwid, "--state", state) == []
    nowhere = tmp_path / "nowhere"
    assert str(nowhere) in cli.bad("controller", "list", "--state", str(nowhere))
    assert not nowhere.exists()


def test_a_damaged_identity_is_not_replaced(cli: Cli, state: str) -> None:
    path = Path(state) / "identity.secret"
    path.write_text("damaged")
    assert str(path) in cli.bad("controller", "create", "--state", state)
    assert path.read_text() == "damaged"
    assert not (Path(state) / "controller.d").exists()


def test_a_root_that_its_planet_does_not_list_is_refused(cli: Cli, state: str) -> None:
    assert "--endpoint" in cli.bad("root", "--state", state)


def test_an_identity_can_come_from_standard_input(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(SECRETS[0].encode())))
    assert cli.json("identity", "show", "-")["address"] == f"{OWN.address:010x}"
