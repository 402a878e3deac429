"""Who may do what: addresses that others reach, tokens and their rights, keys, and sockets that are bound with them."""

from __future__ import annotations

import os
import socket as sockets
from collections.abc import Iterator
from pathlib import Path

import pytest
import zmq
from hypothesis import given
from hypothesis import strategies as st

from engine.access import LOCAL, RIGHTS, Access, host_of, loopback, make_keys, parse_tokens
from engine.clock import FakeClock
from engine.control import ControlServer, NoAnswer, ask
from engine.curve import ClientKeys, ServerKeys
from engine.door import bind
from engine.errors import EngineError, clean
from engine.publish import Publisher

FREE = "tcp://127.0.0.1:*"
SECRET, OTHER = "0123456789abcdef", "fedcba9876543210"


@pytest.fixture
def context() -> Iterator[zmq.Context]:
    made = zmq.Context()
    yield made
    made.destroy(linger=0)


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("keys") / "new"
    make_keys(folder)
    return folder


def has_ipv6() -> bool:
    try:
        with sockets.socket(sockets.AF_INET6) as socket:
            socket.bind(("::1", 0))
        return True
    except OSError:
        return False


ipv6 = pytest.mark.skipif(not has_ipv6(), reason="this machine has no IPv6")


@pytest.mark.parametrize(
    "endpoint",
    [
        *("tcp://127.0.0.1:5570", "tcp://127.0.0.1:*", "tcp://127.9.8.7:1", "tcp://[::1]:5570", "tcp://localhost:5570"),
        *("tcp://[::ffff:127.0.0.1]:5570", "ipc:///tmp/engine", "inproc://engine", "127.0.0.1:80", "[::1]:80"),
    ],
)
def test_what_only_this_machine_reaches(endpoint: str) -> None:
    assert loopback(endpoint)
    LOCAL.check(endpoint, "--pub")


@pytest.mark.parametrize(
    "endpoint",
    [
        *("tcp://*:5570", "tcp://0.0.0.0:5570", "tcp://[::]:5570", "tcp://10.0.0.1:5570", "tcp://[fe80::1%eth0]:1"),
        *("tcp://eth0:5570", "tcp://example.org:5570", "tcp://127.0.0.1.example.org:1", "tcp://2130706433:5570"),
        *("tcp://127.1:5570", "tcp://localhost.example.org:1", "udp://127.0.0.1:1", "TCP://127.0.0.1:1", "tcp://"),
        *("tcp://[::ffff:10.0.0.1]:1", "tcp://[]:1", "epgm://127.0.0.1:1", "tcp://0.0.0.0;127.0.0.1:5570"),
    ],
)
def test_what_others_may_reach(endpoint: str, context: zmq.Context) -> None:
    assert not loopback(endpoint)
    with pytest.raises(EngineError, match=r"--pub .*--keys FOLDER.*--insecure"):
        LOCAL.check(endpoint, "--pub")
    with pytest.raises(EngineError, match="tokens guard what is asked, not the socket"):
        Access(tokens={SECRET: frozenset(RIGHTS)}).check(endpoint, "--control")
    with pytest.raises(EngineError, match="--keys FOLDER"):
        Publisher(context, endpoint, 1)
    with pytest.raises(EngineError, match="--keys FOLDER"):
        ControlServer(context, endpoint, {}, FakeClock())
    with pytest.raises(EngineError, match="--keys FOLDER"):
        bind(context.socket(zmq.PUB), endpoint, "--pub")
    Access(insecure=True).check(endpoint, "--pub")


@pytest.mark.parametrize("endpoint", ["", "nonsense", "0.0.0.0:80", "::1:80", "example.org:80"])
def test_what_is_no_address_is_not_of_this_machine_and_not_bound(endpoint: str, context: zmq.Context) -> None:
    assert not loopback(endpoint)
    with pytest.raises(EngineError, match="cannot bind"):
        Publisher(context, endpoint, 1)


def test_insecure_binds_everywhere_as_it_was_asked(context: zmq.Context) -> None:
    publisher = Publisher(context, "tcp://0.0.0.0:*", 1, Access(insecure=True))
    assert publisher.endpoint.startswith("tcp://0.0.0.0:")
    publisher.close()


@given(st.text())
def test_any_text_is_an_address_of_others_or_has_a_host(text: str) -> None:
    loopback(text)
    host_of(text)


@ipv6
def test_ipv6_addresses_are_bound_and_reached(context: zmq.Context) -> None:
    server = ControlServer(context, "tcp://[::1]:*", {}, FakeClock(5))
    assert server.endpoint.startswith("tcp://[::1]:")
    assert ask(server.endpoint, {"op": "clock"})["monotonic_ns"] == 5
    server.close()


def test_tokens_have_the_rights_of_their_line() -> None:
    tokens, anyone = parse_tokens(f"# who\n\n{SECRET} stop, set\t# me\n* describe\n{OTHER} session", "file")
    assert tokens == {SECRET: frozenset({"stop", "set"}), OTHER: frozenset({"session"})}
    access = Access(tokens=tokens, anyone=anyone)
    for right in RIGHTS:
        assert access.allows(SECRET, right) is (right in ("stop", "set", "describe"))
        assert access.allows(OTHER, right) is (right in ("session", "describe"))
        for nobody in ("", None, 3, SECRET[:-1], SECRET + "0", SECRET.upper(), "\ud800", ["x"], "*"):
            assert access.allows(nobody, right) is (right == "describe")
    assert not access.allows(SECRET, "everything")
    with pytest.raises(EngineError, match="reset: this token does not have the right 'set'"):
        access.require(OTHER, "set", "reset")
    with pytest.raises(EngineError, match="reset: no token was shown for the right 'set'"):
        access.require("", "set", "reset")
    access.require(SECRET, "set", "reset")


def test_without_tokens_everything_is_allowed() -> None:
    assert all(LOCAL.allows(token, right) for token in ("", None, SECRET) for right in RIGHTS)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "holds no token"),
        ("# nobody\n* describe", "holds no token"),
        (SECRET, "line 1: it names no rights"),
        (f"{SECRET} ,", "line 1: it names no rights"),
        (f"{OTHER} set\n{SECRET} set,rule", "line 2: there is no right 'rule'"),
        (f"{SECRET} set\n{SECRET} stop", "line 2: a token twice"),
        ("short set", "line 1: 5 characters are no token"),
        ("é" * 20 + " set", "line 1: 20 characters are no token"),
        ("x" * 257 + " set", "line 1: 257 characters"),
        (f"* set\n* stop\n{SECRET} set", "line 2: 1 characters"),
        ("\n".join(f"{number:016d} set" for number in range(1025)), "more than 1024"),
    ],
)
def test_a_token_file_that_cannot_be_is_refused_without_telling_a_token(text: str, said: str) -> None:
    with pytest.raises(EngineError, match=said) as caught:
        parse_tokens(text, "file")
    assert "TOKEN right,right" in str(caught.value)
    assert SECRET not in str(caught.value)


def test_a_token_with_a_hash_sign_is_whole() -> None:
    assert parse_tokens(f"{SECRET}#more set #remark")[0] == {f"{SECRET}#more": frozenset({"set"})}


def test_files_are_read_within_bounds_and_their_permissions_told(tmp_path: Path, keys: Path) -> None:
    path = tmp_path / "tokens"
    for content, said in ((b"\xff\xfe", "is no text"), (b"#" * 300_000, "more than 262144 bytes")):
        path.write_bytes(content)
        with pytest.raises(EngineError, match=said):
            Access.of(tokens=path)
    with pytest.raises(EngineError, match="No such file"):
        Access.of(tokens=tmp_path / "nothing")
    path.write_text(f"{SECRET} set\n* describe")
    path.chmod(0o600)
    access = Access.of(keys, path)
    assert access.warnings == () and access.keys is not None and access.anyone == {"describe"}
    assert SECRET not in repr(access) and access.keys.secret.decode() not in repr(access)
    if os.name == "posix":
        path.chmod(0o640)
        assert Access.of(tokens=path).warnings == (f"{path} can be read by others on this machine; chmod 600 {path}",)


def test_keys_are_made_once_and_for_their_owner_alone(keys: Path) -> None:
    made = sorted(path.relative_to(keys).as_posix() for path in keys.rglob("*.key*"))
    assert made == ["client.key_secret", "clients/client.key", "server.key", "server.key_secret"]
    if os.name == "posix":
        assert all(path.stat().st_mode & 0o077 == 0 for path in [keys, *keys.rglob("*")])
    server, client = ServerKeys.load(keys), ClientKeys.load(keys)
    assert server.clients == {client.public} and client.server == server.public
    with pytest.raises(EngineError, match="holds keys already"):
        make_keys(keys)
    assert ServerKeys.load(keys) == server
    with pytest.raises(EngineError, match="cannot write keys"):
        make_keys(keys / "server.key")


def test_keys_that_are_none_are_named(tmp_path: Path) -> None:
    folder = tmp_path / "keys"
    make_keys(folder)
    other = tmp_path / "other"
    make_keys(other)
    secret = folder / "server.key_secret"
    good = secret.read_text()
    wrong = (other / "server.key_secret").read_text().rpartition("secret-key")
    for content, said in (
        ("", "No public key found"),
        ((folder / "server.key").read_text(), "it holds no secret key"),
        ('public-key = "short"\nsecret-key = "short"', "40 characters"),
        (good.rpartition("secret-key")[0] + wrong[1] + wrong[2], "no pair"),
    ):
        secret.write_text(content)
        with pytest.raises(EngineError, match=said):
            Access.of(keys=folder)
    secret.write_text(good)
    (folder / "clients" / "client.key").unlink()
    with pytest.raises(EngineError, match="0 client keys"):
        Access.of(keys=folder)
    with pytest.raises(EngineError, match=r"server\.key_secret"):
        Access.of(keys=tmp_path / "nothing")
    with pytest.raises(EngineError, match=r"client\.key_secret"):
        (folder / "client.key_secret").unlink()
        ClientKeys.load(folder)


def test_with_keys_only_those_come_in_who_have_one(context: zmq.Context, keys: Path, tmp_path: Path) -> None:
    access = Access.of(keys)
    server = ControlServer(context, "tcp://0.0.0.0:*", {}, FakeClock(9), access)
    endpoint = server.endpoint.replace("0.0.0.0", "127.0.0.1")
    assert ask(endpoint, {"op": "clock"}, keys=keys)["monotonic_ns"] == 9
    stranger = tmp_path / "stranger"
    make_keys(stranger)
    (stranger / "server.key").write_bytes((keys / "server.key").read_bytes())
    impostor = tmp_path / "impostor"
    make_keys(impostor)
    (impostor / "client.key_secret").write_bytes((keys / "client.key_secret").read_bytes())
    for folder in (None, stranger, impostor):
        with pytest.raises(NoAnswer):
            ask(endpoint, {"op": "clock"}, 0.4, folder)
    assert ask(endpoint, {"op": "clock"}, keys=keys)["ok"]
    server.close()


def test_with_keys_frames_reach_those_who_have_one_and_nobody_else(context: zmq.Context, keys: Path) -> None:
    publisher = Publisher(context, FREE, 1, Access.of(keys))
    with context.socket(zmq.SUB) as known, context.socket(zmq.SUB) as stranger:
        ClientKeys.load(keys).join(known)
        for socket in (known, stranger):
            socket.subscribe(b"")
            socket.connect(publisher.endpoint)
        for _ in range(500):
            publisher.announce(b"hello")
            if known.poll(10):
                break
        assert known.recv() == b"hello"
        assert not stranger.poll(100)
    publisher.close()


def test_without_a_gatekeeper_of_its_own_nobody_comes_in(context: zmq.Context, keys: Path, tmp_path: Path) -> None:
    """Two sets of keys in one context: the second is not let in by the gatekeeper of the first."""
    other = tmp_path / "other"
    make_keys(other)
    first = ControlServer(context, FREE, {}, FakeClock(), Access.of(keys))
    second = ControlServer(context, FREE, {}, FakeClock(), Access.of(other))
    assert ask(first.endpoint, {"op": "clock"}, keys=keys)["ok"]
    with pytest.raises(NoAnswer):
        ask(second.endpoint, {"op": "clock"}, 0.4, other)
    first.close()
    second.close()


@given(st.text())
def test_cleaned_text_is_one_printable_line(text: str) -> None:
    shown = clean(text, 50)
    assert len(shown) <= 50
    assert shown.isprintable()
    assert clean(shown, 50) == shown


def test_cleaned_text_keeps_what_people_write() -> None:
    assert clean("naïve  日本語\n\tок €") == "naïve 日本語 ок €"
    assert clean("a\x1b[31mb\x9bc\u202ed\u2066e\ufefff\x00") == "a?[31mb?c?d?e?f?"
    assert clean("x" * 500) == "x" * 397 + "..."
