"""The rule language: what compiles to what, where errors are, and that rules as text mean the same rules."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from properties.test_rules_model import ACTIONS, MATCHES, Engine, frames, rule
from support.rules_model import Frame

from fastzt.node.roles.issue import rules_of
from fastzt.node.roles.records import change_network, new_network
from fastzt.node.rule_language.compiler import Compiled, compile_rules
from fastzt.node.rule_language.source import MAX_SOURCE, SourceError, words
from fastzt.node.rule_language.text import network_text, rules_text
from fastzt.wire.rules import Kind, Rule

OFFICE = """
# Only IP.
drop
  not ethertype ipv4   # the set is one AND
  not ethertype arp
  not ethertype ipv6
;
tag department id 1000
  enum 100 sales   enum 200 engineering
  flag 0 boss      flag 1 guest   flag boss,guest,4 all
  default sales;
macro ssh($from,$to) accept ipsrc $from and ipprotocol tcp dport $to; ;
cap superuser id 5 default accept; ;
cap shell
  id 4
  include ssh(10.0.0.0/8, 22)
  drop chr tcp_syn,inbound,4 ;
;
accept tdiff department 0 or teq department engineering;
accept tand department all;
Include ssh(192.0.2.0/24,2000-3000)
tee 64 89e92ceee5 ipprotocol udp or not sport 53;
watch -1 89E92CEEE5;
redirect 89e92ceee5 icmp 8 -1 icmp 3 1;
break;
"""


def test_a_source_with_everything() -> None:
    made = compile_rules(OFFICE)
    plain = {"not": False, "or": False}
    ssh = [
        {"type": "MATCH_IP_PROTOCOL", "ipProtocol": 6, **plain},
        {"type": "MATCH_IP_DEST_PORT_RANGE", "start": 22, "end": 22, **plain},
        {"type": "ACTION_ACCEPT"},
    ]
    assert made.tags == [{"id": 1000, "default": 100}]
    assert made.capability_names == {"superuser": 5, "shell": 4}
    assert made.tag_names["department"].flags == {"boss": 1, "guest": 2, "all": 0x13}
    assert made.capabilities == [
        {
            "id": 4,
            "default": False,
            "rules": [
                {"type": "MATCH_IPV4_SOURCE", "ip": "10.0.0.0/8", **plain},
                *ssh,
                {"type": "MATCH_CHARACTERISTICS", "mask": "8000000000000012", **plain},
                {"type": "ACTION_DROP"},
            ],
        },
        {"id": 5, "default": True, "rules": [{"type": "ACTION_ACCEPT"}]},
    ]
    assert made.rules == [
        {"type": "MATCH_ETHERTYPE", "etherType": 0x800, "not": True, "or": False},
        {"type": "MATCH_ETHERTYPE", "etherType": 0x806, "not": True, "or": False},
        {"type": "MATCH_ETHERTYPE", "etherType": 0x86DD, "not": True, "or": False},
        {"type": "ACTION_DROP"},
        {"type": "MATCH_TAGS_DIFFERENCE", "id": 1000, "value": 0, **plain},
        {"type": "MATCH_TAGS_EQUAL", "id": 1000, "value": 200, "not": False, "or": True},
        {"type": "ACTION_ACCEPT"},
        {"type": "MATCH_TAGS_BITWISE_AND", "id": 1000, "value": 0x13, **plain},
        {"type": "ACTION_ACCEPT"},
        {"type": "MATCH_IPV4_SOURCE", "ip": "192.0.2.0/24", **plain},
        {"type": "MATCH_IP_PROTOCOL", "ipProtocol": 6, **plain},
        {"type": "MATCH_IP_DEST_PORT_RANGE", "start": 2000, "end": 3000, **plain},
        {"type": "ACTION_ACCEPT"},
        {"type": "MATCH_IP_PROTOCOL", "ipProtocol": 17, **plain},
        {"type": "MATCH_IP_SOURCE_PORT_RANGE", "start": 53, "end": 53, "not": True, "or": True},
        {"type": "ACTION_TEE", "address": "89e92ceee5", "flags": 0, "length": 64},
        {"type": "ACTION_WATCH", "address": "89e92ceee5", "flags": 0, "length": 0},
        {"type": "MATCH_ICMP", "icmpType": 8, "icmpCode": None, **plain},
        {"type": "MATCH_ICMP", "icmpType": 3, "icmpCode": 1, **plain},
        {"type": "ACTION_REDIRECT", "address": "89e92ceee5", "flags": 0},
        {"type": "ACTION_BREAK"},
    ]
    record = change_network(new_network(1 << 24, 0), made.fields())
    assert record["rules"] == made.rules
    assert record["capabilities"] == made.capabilities
    assert len(rules_of(record["rules"], 1024)) == len(made.rules)


MATCH_SOURCES: dict[str, dict[str, Any]] = {
    "ztsrc 89e92ceee5": {"type": "MATCH_SOURCE_ZEROTIER_ADDRESS", "zt": "89e92ceee5"},
    "ztdest 89E92CEEE5": {"type": "MATCH_DEST_ZEROTIER_ADDRESS", "zt": "89e92ceee5"},
    "vlan 7": {"type": "MATCH_VLAN_ID", "vlanId": 7},
    "vlanpcp 1": {"type": "MATCH_VLAN_PCP", "vlanPcp": 1},
    "vlandei 0": {"type": "MATCH_VLAN_DEI", "vlanDei": 0},
    "ethertype 0x88cc": {"type": "MATCH_ETHERTYPE", "etherType": 0x88CC},
    "ethertype wol": {"type": "MATCH_ETHERTYPE", "etherType": 0x842},
    "macsrc 02:11:22:aa:BB:cc": {"type": "MATCH_MAC_SOURCE", "mac": "02:11:22:aa:bb:cc"},
    "macdest 021122aabbcc": {"type": "MATCH_MAC_DEST", "mac": "02:11:22:aa:bb:cc"},
    "ipsrc 10.1.2.3/24": {"type": "MATCH_IPV4_SOURCE", "ip": "10.1.2.3/24"},
    "ipsrc fd00::/64": {"type": "MATCH_IPV6_SOURCE", "ip": "fd00::/64"},
    "ipdest 10.1.2.3/32": {"type": "MATCH_IPV4_DEST", "ip": "10.1.2.3/32"},
    "ipdest fd00::1/128": {"type": "MATCH_IPV6_DEST", "ip": "fd00::1/128"},
    "iptos 0xfc 1-40": {"type": "MATCH_IP_TOS", "mask": 252, "start": 1, "end": 40},
    "ipprotocol icmp": {"type": "MATCH_IP_PROTOCOL", "ipProtocol": 1},
    "ipprotocol 47": {"type": "MATCH_IP_PROTOCOL", "ipProtocol": 47},
    "icmp 8 0": {"type": "MATCH_ICMP", "icmpType": 8, "icmpCode": 0},
    "sport 1-2": {"type": "MATCH_IP_SOURCE_PORT_RANGE", "start": 1, "end": 2},
    "dport 0x50": {"type": "MATCH_IP_DEST_PORT_RANGE", "start": 80, "end": 80},
    "chr multicast,broadcast,ipauth,macauth": {"type": "MATCH_CHARACTERISTICS", "mask": "7800000000000000"},
    "chr tcp_fin,tcp_rs0,63": {"type": "MATCH_CHARACTERISTICS", "mask": "8000000000000801"},
    "framesize 64-1500": {"type": "MATCH_FRAME_SIZE_RANGE", "start": 64, "end": 1500},
    "random 0.5": {"type": "MATCH_RANDOM", "probability": 2147483647},
    "random 1": {"type": "MATCH_RANDOM", "probability": 4294967295},
    "tor 3 0xff": {"type": "MATCH_TAGS_BITWISE_OR", "id": 3, "value": 255},
    "txor 3 9": {"type": "MATCH_TAGS_BITWISE_XOR", "id": 3, "value": 9},
    "tseq 3 9": {"type": "MATCH_TAG_SENDER", "id": 3, "value": 9},
    "treq 3 9": {"type": "MATCH_TAG_RECEIVER", "id": 3, "value": 9},
    "integer 16-0x20 12 16le": {
        "type": "INTEGER_RANGE",
        "start": "0000000000000010",
        "end": "0000000000000020",
        "idx": 12,
        "bits": 16,
        "little": True,
    },
}


@pytest.mark.parametrize("source", MATCH_SOURCES)
def test_each_match(source: str) -> None:
    [match, action] = compile_rules(f"DROP NOT {source.replace('ztdest', 'ZTDEST')};").rules
    assert match == {**MATCH_SOURCES[source], "not": True, "or": False}
    assert action == {"type": "ACTION_DROP"}
    assert Rule.from_json(match).to_json() == match


WRONG = {
    "accept": (1, 1, "not closed"),
    "accept;\n  ;": (2, 3, "closes nothing"),
    "hello accept;": (1, 1, "no statement"),
    "drop\n  ipprotocol tcp\naccept;\n;": (3, 1, "begins a block inside"),
    "drop not;": (1, 6, "a match expected after not"),
    "drop or not ethertype ipv4 and not;": (1, 32, "a match expected"),
    "drop dport;": (1, 6, "an argument of dport expected"),
    "drop dport not ethertype ipv4;": (1, 12, "an argument of dport expected"),
    "drop dport 70000;": (1, 12, "above 65535"),
    "drop dport 9-3;": (1, 12, "ends before it begins"),
    "drop dport x;": (1, 12, "not a number"),
    "\n\r\n\tdrop ipsrc 10.0.0.1;": (3, 13, "lacks the /bits"),
    "drop ipsrc 10.0.0.300/8;": (1, 12, "not an IP network"),
    "drop ipdest fd00::1/64;": (1, 13, "write fd00::/64"),
    "drop ethertype ipx;": (1, 16, "neither a number nor a known name"),
    "drop chr tcp_syn,tcp_what;": (1, 10, "neither a number nor a known name"),
    "drop chr 64;": (1, 10, "above 63"),
    "drop ztsrc 89e92ceee;": (1, 12, "hexadecimal digits expected"),
    "drop macsrc 02:11;": (1, 13, "not a MAC"),
    "drop random 2;": (1, 13, "not from 0 to 1"),
    "drop random often;": (1, 13, "not a probability"),
    "drop wormhole 1;": (1, 6, "no match"),
    "drop tdiff nothing 0;": (1, 12, "there is no tag nothing"),
    "tag t id 1;\ndrop teq t what;": (2, 12, "flag or enum of tag t"),
    "tag t;": (1, 5, "has no id"),
    "tag;": (1, 1, "the name of the tag expected"),
    "tag t id x;": (1, 10, "the tag's id expected"),
    "tag t id 1 id 2;": (1, 12, "no place here"),
    "tag t id 1 default boss;": (1, 20, "neither a number nor a flag"),
    "tag t id 1 enum 1 a enum 2 a;": (1, 28, "defined twice"),
    "tag t id 1 flag 32 a;": (1, 17, "neither a bit"),
    "tag t id 1 accept;;": (1, 12, "inside of a tag"),
    "tag drop id 1;;": (1, 5, "begins a block"),
    "tag 1t id 1;": (1, 5, "cannot be the name"),
    "tag let id 1;": (1, 5, "word of the language"),
    "tag t id 1;\ntag T id 2;": (2, 5, "defined twice"),
    "tag t id 1;\ntag u id 1;": (2, 5, "another tag has the id 1"),
    "cap c accept;;": (1, 5, "has no id"),
    "cap c id 1 id 2;": (1, 12, "has an id already"),
    "cap c id 1;cap d id 1;": (1, 16, "another capability has the id 1"),
    "cap c id 1 tag t id 1;;": (1, 12, "cannot be defined inside"),
    "include nothing": (1, 9, "there is no macro nothing"),
    "include": (1, 1, "the name of a macro expected"),
    "macro m($a) accept dport $a;; include m": (1, 39, "takes 1 arguments, not 0"),
    "macro m($a) accept dport $b;; include m(1)": (1, 26, "there is no parameter $b"),
    "macro m(a) accept;; include m(1)": (1, 7, "$ and a name expected"),
    "macro m($a,$a) accept;;": (1, 7, "same name"),
    "macro m include m; include m": (1, 17, "more than 16 deep"),
    "macro m accept;; macro M drop;;": (1, 24, "defined twice"),
    "accept dport $x;": (1, 14, "there is no parameter $x"),
    "tee 64 here;": (1, 8, "hexadecimal digits expected"),
    "tee;": (1, 1, "how many bytes to copy"),
    "redirect;": (1, 1, "the address of a node"),
    "priority 3;": (1, 1, "no form in which"),
    "drop integer 1-2 0 65;": (1, 14, "above 64"),
    "drop integer 1-2 0 0;": (1, 14, "no bits"),
}


@pytest.mark.parametrize("source", WRONG)
def test_an_error_says_where(source: str) -> None:
    line, column, what = WRONG[source]
    with pytest.raises(SourceError) as found:
        compile_rules(source)
    assert what in found.value.what, found.value
    assert (found.value.line, found.value.column) == (line, column)
    assert str(found.value).startswith(f"line {line}, column {column}: ")


def test_limits() -> None:
    compile_rules("accept;" * 1024)
    with pytest.raises(SourceError, match="line 1, column 7169: these are more than 1024 rules"):
        compile_rules("accept;" * 1025)
    with pytest.raises(SourceError, match="more than 64 rules"):
        compile_rules(f"cap c id 1 {'accept;' * 65};")
    with pytest.raises(SourceError, match="at most 128 tags"):
        compile_rules("".join(f"tag t{i} id {i};" for i in range(129)))
    with pytest.raises(SourceError, match="at most 128 capabilities"):
        compile_rules("".join(f"cap c{i} id {i};" for i in range(129)))
    with pytest.raises(ValueError, match="more than"):
        compile_rules(" " * (MAX_SOURCE + 1))


def test_macros_may_bomb_no_further_than_the_limit() -> None:
    """Each macro includes the one before it twice: 2^15 rules, of which 1024 are too many."""
    source = "macro m0 accept;;" + "".join(
        f"macro m{i} include m{i - 1} include m{i - 1};" for i in range(1, 16)
    )
    with pytest.raises(SourceError, match="more than 1024 rules"):
        compile_rules(source + "include m15")


def test_a_parameter_is_passed_on() -> None:
    source = "macro inner($p) drop dport $p; ; macro outer($q) include inner($q); include outer(7)"
    assert compile_rules(source).rules[0]["start"] == 7


@given(st.text(max_size=60))
def test_words_are_all_that_is_no_comment(text: str) -> None:
    """Nothing is lost: the places of words are where the words stand."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    for word in words(text):
        assert lines[word.line - 1][word.column - 1 :].startswith(word.text.split("\n")[0])


NOISE_WORDS = ["drop", "accept", ";", "not", "or", "ethertype", "ipv4", "tag", "t", "id", "1", "cap", "macro"]
NOISE_WORDS += ["m($a)", "include", "m(1)", "$a", "dport", "80", "tee", "0", "89e92ceee5", "teq", "default"]
NOISE_WORDS += ["enum", "flag", "#x"]
NOISE = st.lists(st.sampled_from(NOISE_WORDS), max_size=25).map("\n".join)


@settings(max_examples=500)
@given(NOISE)
def test_any_words_compile_or_have_an_error_with_a_place(source: str) -> None:
    made = attempt(source)
    if isinstance(made, SourceError):
        assert (made.line, made.column) >= (1, 1)
    else:
        change_network(new_network(1 << 24, 0), made.fields())


def attempt(source: str) -> Compiled | SourceError:
    """What a source compiles to, or its error."""
    try:
        return compile_rules(source)
    except SourceError as error:
        return error


def compiles(source: str) -> bool:
    return isinstance(attempt(source), Compiled)


def writable(found: Rule) -> bool:
    """Whether the language has words for a rule that mean just this."""
    if found.kind == Kind.ACTION_PRIORITY or "UNKNOWN" in found.to_json()["type"]:
        return False
    if found.is_action():
        return True
    # Ranges that hold nothing, and IPv6 networks that match nothing, are errors.
    return compiles(rules_text([found.to_json(), {"type": "ACTION_DROP"}]))


SETS = st.tuples(
    st.lists(st.sampled_from(MATCHES).flatmap(rule).filter(writable), max_size=3),
    st.sampled_from(ACTIONS).flatmap(rule).filter(writable),
).map(lambda found: [*found[0], found[1]])
ENGINE = Engine()


@settings(max_examples=300)
@given(st.lists(SETS, max_size=4), st.lists(frames(), min_size=1, max_size=4))
def test_rules_as_text_mean_the_same(sets: list[list[Rule]], seen: list[Frame]) -> None:
    rules = [one for part in sets for one in part]
    again = compile_rules(rules_text(one.to_json() for one in rules)).rules
    compiled = [Rule.from_json(body) for body in again]
    for frame in seen:
        assert ENGINE.decide(compiled, [], frame) == ENGINE.decide(rules, [], frame)


def test_a_network_as_text_compiles_to_itself() -> None:
    made = compile_rules(OFFICE)
    text = network_text(made.fields())
    assert compile_rules(text).fields() == made.fields()
