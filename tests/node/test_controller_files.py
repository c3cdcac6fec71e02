"""The controller and its files: what a restart finds, and what commands change while it runs."""

from __future__ import annotations

import ipaddress
import random
from pathlib import Path

import pytest
from support.controller import ALICE, IDENTITIES, METADATA, OWN, POOLED, WALL, Bench, work

from fastzt.node.roles import controller as controller_role
from fastzt.node.roles.controller import SECOND, Controller
from fastzt.node.roles.controller_store import ControllerStore
from fastzt.wire.network_config import NetworkConfig
from fastzt.wire.verbs import ErrorCode, Verb


def test_a_restart_finds_networks_members_and_addresses(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.authorize(ALICE)
    before = bench.configured(ALICE)
    bench.controller.close()
    again = Controller(OWN, ControllerStore(tmp_path), random.Random(6).randbytes, WALL)
    answer = again.configure(bench.nwid, METADATA, bench.now)
    assert answer == ErrorCode.NETWORK_ACCESS_DENIED
    assert again.network(bench.nwid) == bench.controller.network(bench.nwid)
    member = again.member(bench.nwid, ALICE.address)
    assert member is not None
    assert member["ipAssignments"] == [str(ipaddress.ip_address(before.static_ips[0].ip))]


def test_a_command_authorizes_while_the_controller_runs(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    assert bench.refused(ALICE) == ErrorCode.NETWORK_ACCESS_DENIED
    command = command_on(bench)
    command.authorize(bench.nwid, ALICE.address, bench.now)
    command.close()
    bench.now += 2 * SECOND
    work(bench)
    assert bench.pushed() == [ALICE.address]
    command.reload(bench.now)
    command.authorize(bench.nwid, ALICE.address, bench.now, authorized=False)
    command.close()
    bench.now += 2 * SECOND
    work(bench)
    assert bench.pushed(Verb.NETWORK_CREDENTIALS) == [ALICE.address]
    assert bench.refused(ALICE) == ErrorCode.NETWORK_ACCESS_DENIED


def command_on(bench: Bench) -> Controller:
    """The records as a command of another process opens them."""
    assert bench.store.directory is not None
    return Controller(OWN, ControllerStore(bench.store.directory), random.Random(7).randbytes, WALL)


def test_nobody_is_refused_for_what_a_command_has_just_allowed(tmp_path: Path) -> None:
    """The files are read again before a refusal, however short ago the last look was."""
    bench = Bench(tmp_path)
    work(bench)
    command = command_on(bench)
    command.authorize(bench.nwid, ALICE.address, bench.now)
    command.close()
    bench.request(ALICE)
    assert bench.wire.replies == []
    bench.now = bench.controller.deadline()
    work(bench)
    config = bench.answer()
    assert isinstance(config, NetworkConfig)
    assert config.issued_to == ALICE.address
    assert bench.pushed() == []


def test_a_network_that_a_command_has_just_made_is_found(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    work(bench)
    command = command_on(bench)
    bench.nwid = int(command.create_network({**POOLED, "private": False}, bench.now)["id"], 16)
    command.close()
    assert isinstance(bench.ask(ALICE, after=0), NetworkConfig)


def test_a_refusal_comes_after_one_look_for_all_who_wait(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    work(bench)
    looked = bench.now
    for who in IDENTITIES[1:4]:
        bench.request(who)
    assert bench.wire.replies == []
    bench.now = bench.controller.deadline()
    assert 0 < bench.now - looked < SECOND
    bench.controller.tick(bench.now)
    [job] = bench.controller.jobs()
    bench.request(IDENTITIES[4])  # too late for this look
    job.run()
    bench.controller.finish(job, bench.now)
    assert [verb for verb, _ in bench.wire.replies] == [Verb.ERROR] * 3
    bench.now = bench.controller.deadline()
    work(bench)
    assert [verb for verb, _ in bench.wire.replies] == [Verb.ERROR] * 4


def test_those_who_wait_for_a_look_are_answered_when_it_fails(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    work(bench)
    bench.request(ALICE)
    bench.now = bench.controller.deadline()
    bench.controller.tick(bench.now)
    [job] = bench.controller.jobs()
    bench.controller.finish(job, bench.now)  # never run
    assert [verb for verb, _ in bench.wire.replies] == [Verb.ERROR]


def test_no_more_wait_for_a_look_than_fit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(controller_role, "MAX_HELD", 2)
    bench = Bench(tmp_path)
    work(bench)
    for who in IDENTITIES[1:4]:
        bench.request(who)
    assert len(bench.wire.replies) == 1


def test_a_failed_write_is_kept_and_tried_again(tmp_path: Path) -> None:
    bench = Bench(tmp_path / "controller.d")
    network = tmp_path / "controller.d" / "network"
    network.write_text("in the way")
    bench.controller.tick(bench.now)
    [job] = bench.controller.jobs()
    job.run()
    bench.controller.finish(job, bench.now)
    assert bench.controller.error is not None
    assert "network" in str(bench.controller.error)
    network.unlink()
    bench.now += 2 * SECOND
    work(bench)
    assert list(ControllerStore(tmp_path / "controller.d").networks) == [bench.nwid]
