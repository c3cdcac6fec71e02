from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from support.vectors import parametrize

from fastzt.wire import dictionary
from fastzt.wire.dictionary import Dictionary


@parametrize("network_config", "dictionary")
def test_encode(case: dict[str, Any]) -> None:
    assert case["ok"]
    entries = [(entry["key"], bytes.fromhex(entry["value"])) for entry in case["entries"]]
    encoded = dictionary.encode(entries)
    assert encoded.hex() == case["encoded"]
    parsed = Dictionary.parse(encoded)
    for lookup in case["lookups"]:
        assert parsed.blob(lookup["key"]).hex() == lookup["value"]


@parametrize("network_config", "dictionary_typed")
def test_typed(case: dict[str, Any]) -> None:
    encoded = bytes.fromhex(case["encoded"])
    assert encoded.decode() == case["text"]
    parsed = Dictionary.parse(encoded)
    write = {"bool": dictionary.boolean, "uint64": dictionary.number, "string": str.encode}
    for entry in case["typed_entries"]:
        key, kind, value = entry["key"], entry["type"], entry["value"]
        if kind == "bool":
            assert parsed.boolean(key) is value
        elif kind == "uint64":
            assert parsed.uint(key) == value
        elif (
            kind == "int64"
        ):  # the reference's encoder loses the sign; this library encodes no negative number
            assert parsed.sint(key) == abs(value)
        elif kind == "address":
            assert parsed.uint(key) == int(value, 16)
        else:
            assert parsed.text(key, 100) == value
        if kind in write:
            assert write[kind](value) == parsed.get(key)


@parametrize("network_config", "dictionary_decode")
def test_decode(case: dict[str, Any]) -> None:
    parsed = Dictionary.parse(bytes.fromhex(case["encoded"]))
    for lookup in case["lookups"]:
        key = lookup["key"]
        value = parsed.get(key)
        assert (None if value is None else value.hex()) == lookup["value"]
        assert parsed.boolean(key) == lookup["bool"]
        assert parsed.boolean(key, True) == lookup["bool_default_true"]
        assert f"{parsed.uint(key, 0x1234):016x}" == lookup["uint"]
        assert parsed.sint(key, -1) == lookup["int"]


def test_specification_example() -> None:
    assert dictionary.encode([("n", b"a=b\\c")]) == b"n=a\\eb\\\\c"
    assert dictionary.escape(bytes.fromhex("0000020a0b0c0d0e")) == bytes.fromhex("5c305c30025c6e0b0c5c720e")


KEYS = st.text("abcdefgXYZ019", min_size=1, max_size=5)


@given(st.dictionaries(KEYS, st.binary(max_size=60), max_size=8))
def test_round_trip(entries: dict[str, bytes]) -> None:
    parsed = Dictionary.parse(dictionary.encode(entries.items()))
    assert parsed.entries == {key.encode(): value for key, value in entries.items()}


@given(st.binary(max_size=300))
def test_anything_parses(data: bytes) -> None:
    parsed = Dictionary.parse(data)
    for key in parsed.entries:
        text = key.decode("latin1")
        assert 0 <= parsed.uint(text) < 1 << 64
        assert -(1 << 63) <= parsed.sint(text) < 1 << 63
        assert len(parsed.text(text, 10)) <= 10


def test_numbers_saturate() -> None:
    parsed = Dictionary.parse(b"a=1ffffffffffffffff\nb=-1ffffffffffffffff\nc=-8000000000000001")
    assert parsed.uint("a") == parsed.uint("b") == (1 << 64) - 1
    assert (parsed.sint("a"), parsed.sint("b")) == ((1 << 63) - 1, -(1 << 63))
    assert parsed.sint("c") == -(1 << 63)
