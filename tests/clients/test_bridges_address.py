"""URLs of bridges: what is read, what is refused and in which words; and the command that checks them."""

from __future__ import annotations

import subprocess
import sys
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clients.bridges import kinds
from clients.bridges.address import PROTOCOLS, Address, parse
from clients.bridges.pump import pump
from clients.python.subscriber import Subscriber


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    line = [sys.executable, "-m", "clients.bridges", *arguments]
    return subprocess.run(line, capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize(
    ("url", "read"),
    [
        ("vmc://127.0.0.1", Address("vmc", "127.0.0.1", 39539, {"names": "both", "case": "pascal"})),
        ("VMC://box:1/?names=vrm1", Address("vmc", "box", 1, {"names": "vrm1", "case": "pascal"})),
        ("livelink://[::1]:65535?name=My avatar", Address("livelink", "::1", 65535, {"name": "My avatar"})),
        ("livelink://a-b.example", Address("livelink", "a-b.example", 11111, {})),
        (
            "ifacialmocap://10.0.0.2?version=2&listen=0.0.0.0:49983",
            Address("ifacialmocap", "10.0.0.2", 49983, {"version": "2", "listen": "0.0.0.0:49983"}),
        ),
        ("vts://localhost?shapes=no", Address("vts", "localhost", 8001, {"shapes": "no"})),
    ],
)
def test_urls_are_read_with_the_usual_ports_and_options(url: str, read: Address) -> None:
    assert parse(url) == read


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("nonsense", r"no protocol of that name; write vmc://HOST:PORT, livelink://"),
        ("http://127.0.0.1", "no protocol of that name"),
        ("vmc://", "no host; write vmc://HOST:PORT, as in vmc://127.0.0.1:39539"),
        ("vmc://:39539", "no host"),
        ("vmc://a b", "no host"),
        ("vmc://127.0.0.1:70000", "host or port cannot be read"),
        ("vmc://127.0.0.1:x", "host or port cannot be read"),
        ("vmc://127.0.0.1:0", "port 0; give 1 to 65535"),
        ("vmc://[::1", "host or port cannot be read"),
        ("vmc://me:secret@127.0.0.1", "more than a host, a port and options"),
        ("vmc://127.0.0.1/avatar", "more than a host"),
        ("vmc://127.0.0.1#x", "more than a host"),
        ("vmc://127.0.0.1?names=arkit2", "names=arkit2; give both or arkit or vrm0 or vrm1"),
        ("vmc://127.0.0.1?name=arkit", "'name' is no option; the options are names, case"),
        ("vmc://127.0.0.1?names=arkit&names=vrm0", "'names' is given twice"),
        ("vmc://127.0.0.1?arkit", "'arkit' is no option"),
        ("livelink://127.0.0.1?name=", "name=; give a name of 1 to 64 letters"),
        ("ifacialmocap://127.0.0.1?listen=port", "listen=port; give PORT or ADDRESS:PORT"),
        ("ifacialmocap://127.0.0.1?listen=99999", "listen=99999; give PORT or ADDRESS:PORT"),
        ("vmc://\x1b[31mred", r"bridge 'vmc://\?\[31mred'"),
    ],
)
def test_what_is_wrong_is_named_with_the_remedy(url: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        parse(url)


@given(st.text(max_size=60), st.sampled_from(["", *(f"{scheme}://" for scheme in PROTOCOLS)]))
def test_any_text_is_an_address_or_refused_in_one_line(text: str, start: str) -> None:
    try:
        address = parse(start + text)
    except ValueError as error:
        assert len(str(error).splitlines()) == 1 and str(error).isprintable()
    else:
        assert 0 < address.port < 65536 and address.host and address.scheme in PROTOCOLS
        assert parse(str(address)).port == address.port


def test_the_command_checks_and_says_nothing_where_all_is_right() -> None:
    done = run("--check", "vmc://127.0.0.1", "vts://127.0.0.1", "livelink://h", "ifacialmocap://h")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["vmc://"], "error: bridge 'vmc://': no host"),
        (["vmc://h", "vmc://h?names=vrm0"], "error: two bridges to one address"),
        (["vmc://h", "--connect", "nowhere"], "error: endpoint 'nowhere'"),
        (["vmc://h", "--keys", "/does/not/exist"], "make keys with `engine keys`"),
    ],
)
def test_the_command_refuses_in_one_line(arguments: list[str], why: str) -> None:
    done = run(*arguments)
    assert done.returncode == 2 and done.stdout == ""
    assert why in done.stderr and len(done.stderr.splitlines()) == 1


def test_without_an_engine_it_ends_after_the_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("clients.python.waiting.SILENCE_S", 0.1)
    said: list[str] = []
    with Subscriber("tcp://127.0.0.1:1", latest=True) as frames:
        assert pump(frames, [], threading.Event(), 0.1, said.append) is False
    assert said == ["nothing comes from the engine: waiting 0.1 s for it (--wait)"]


def test_a_missing_package_is_named_with_what_installs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(kinds.NEEDS, "vmc", ("no_such_module", "python-osc"))
    with pytest.raises(ValueError, match=r"vmc://h:39539: the package python-osc is missing; .*'\.\[bridges\]'"):
        kinds.check(parse("vmc://h"))
    kinds.check(parse("livelink://h"))


def test_what_needs_no_package_runs_without_them() -> None:
    text = """
import sys
sys.modules.update(pythonosc=None, websockets=None)
import clients.bridges.__main__
from clients.bridges.address import parse
from clients.bridges.kinds import made
print(*(made(parse(url), print).name for url in ("livelink://h", "ifacialmocap://h")))
"""
    done = subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, timeout=60, check=False)
    assert (done.stdout, done.stderr) == ("livelink://h:11111 ifacialmocap://h:49983\n", "")


@pytest.mark.parametrize("scheme", [*PROTOCOLS])
def test_every_protocol_has_its_bridge(scheme: str) -> None:
    made = kinds.made(parse(f"{scheme}://h"), print)
    assert made.name == f"{scheme}://h:{PROTOCOLS[scheme].port}"
    assert {"vmc": "Vmc", "livelink": "LiveLink", "ifacialmocap": "IFacialMocap", "vts": "Vts"}[scheme] == type(
        made
    ).__name__
