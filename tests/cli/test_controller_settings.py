"""`fastzt controller` rules, compile, grant, set: what a network tells its members, by commands."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from support.cli import Cli
from support.vectors import committed

from fastzt.identity.identity import Identity

SECRETS = [case["secret_string"] for case in committed("identity", "identity")]
MEMBER = Identity.parse(SECRETS[1])


@pytest.fixture
def state(cli: Cli, tmp_path: Path) -> str:
    """A state with a committed identity."""
    secret = tmp_path / "own.secret"
    secret.write_text(SECRETS[0] + "\n")
    directory = str(tmp_path / "state")
    cli.good("identity", "import", str(secret), "--state", directory)
    return directory


@pytest.fixture
def hosted(cli: Cli, state: str) -> str:
    """A network of the state's controller."""
    return cli.good("controller", "create", "--subnet", "10.1.2.0/24", "--state", state).strip()


TEAMS = """# who may talk to whom
tag team id 7 enum 1 red enum 2 blue default red;
cap dns id 3 accept dport 53;;
accept tdiff team 0;
"""


def test_rules_from_a_file_and_back(cli: Cli, state: str, hosted: str, tmp_path: Path) -> None:
    path = tmp_path / "teams.ztrules"
    path.write_text(TEAMS)
    rules = ["controller", "rules", hosted]
    assert cli.good(*rules, str(path), "--state", state) == "2 rules, 1 capability, 1 tag\n"
    assert cli.good(*rules, "--state", state) == TEAMS
    shown = cli.json(*rules, "--state", state)
    assert shown.pop("network") == hosted
    assert shown == json.loads(cli.good("controller", "compile", str(path)))
    assert shown["tags"] == [{"id": 7, "default": 1}]
    grant = ["controller", "grant", hosted, f"{MEMBER.address:010x}"]
    [record] = cli.json(*grant, "--tag", "Team=blue", "--tag", "9=1", "--capability", "dns", "--state", state)
    assert (record["tags"], record["capabilities"]) == ([[7, 2], [9, 1]], [3])
    out = cli.good(*grant, "--no-tag", "9", "--no-capability", "3", "--state", state)
    assert out == f"{MEMBER.address:010x} tags 7=2 capabilities -\n"


def test_rules_without_a_source_are_written_anew(cli: Cli, state: str, hosted: str) -> None:
    assert cli.good("controller", "rules", hosted, "--state", state) == "accept;\n"


def test_wrong_rules_change_nothing(cli: Cli, state: str, hosted: str, tmp_path: Path) -> None:
    path = tmp_path / "wrong.ztrules"
    path.write_text("accept;\ndrop ethertype ipx;\n")
    assert f"{path}:2:16: 'ipx'" in cli.bad("controller", "rules", hosted, str(path), "--state", state)
    assert f"{path}:2:16: 'ipx'" in cli.bad("controller", "compile", str(path))
    assert cli.good("controller", "rules", hosted, "--state", state) == "accept;\n"
    grant = ["controller", "grant", hosted, f"{MEMBER.address:010x}", "--state", state]
    assert "no tag team" in cli.bad(*grant, "--tag", "team=red")
    assert "name=value" in cli.bad(*grant, "--tag", "7")
    assert "no capability dns" in cli.bad(*grant, "--capability", "dns")


def test_settings_of_a_network(cli: Cli, state: str, hosted: str, tmp_path: Path) -> None:
    tokens = tmp_path / "tokens"
    tokens.write_text("one\n\n two \n")
    change = ["controller", "set", hosted, "--state", state]
    routes = ["--route", "10.1.2.0/24", "--route", "default=10.1.2.1"]
    dns = ["--dns", "10.1.2.53", "--dns-domain", "office.example"]
    record = cli.json(
        *change, *routes, *dns, "--mtu", "1500", "--public", "--rfc4193", "--tokens-file", str(tokens)
    )
    assert record["routes"] == [
        {"target": "10.1.2.0/24", "via": None},
        {"target": "0.0.0.0/0", "via": "10.1.2.1"},
    ]
    assert record["dns"] == {"domain": "office.example", "servers": ["10.1.2.53"]}
    assert (record["mtu"], record["private"], record["authTokens"]) == (1500, False, {"one": 0, "two": 0})
    assert record["v6AssignMode"] == {"zt": False, "rfc4193": True, "6plane": False}
    again = cli.json(*change, "--dns-domain", "lab.example", "--no-broadcast")
    assert again["dns"] == {"domain": "lab.example", "servers": ["10.1.2.53"]}
    assert again["enableBroadcast"] is False
    assert "nothing to set" in cli.bad(*change)
    assert "mtu" in cli.bad(*change, "--mtu", "100")
    assert "10.1.2.0/99" in cli.bad(*change, "--route", "10.1.2.0/99")
