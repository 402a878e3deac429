"""The Unity package: all of it compiles, its C# tests pass, and its core reads what the engine sends as Python does.

Unity itself is not here: what calls it is compiled against signatures alone (tests/clients/unity/stubs). The compiler
and the runtime come from registries; where they are not installed, the tests that need them say what to install.
"""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import time
import tomllib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import zmq

from clients.python.session import Session
from clients.python.subscriber import Subscriber
from engine.body.skeleton import Skeleton, skeleton
from engine.body.solve import rotations_of, solve_rotations
from tests.engine.test_serve import running

from . import fake, golden
from .unity import metas, toolchain
from .unity.program import ROOT, Program, decoded, header, seen

MISSING = toolchain.missing()
needs_dotnet = pytest.mark.skipif(bool(MISSING), reason=MISSING)
FACE, BODY = "arkit58", "joints"


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Program:
    return Program(tmp_path_factory.mktemp("unity"))


@needs_dotnet
def test_everything_compiles_without_a_warning(program: Program) -> None:
    assert (program.status, program.said) == (0, "")


@needs_dotnet
def test_what_is_wrong_is_told_by_the_build(program: Program, tmp_path: Path) -> None:
    """The build itself can fail: of a copy of the core in which a word is wrong, it names file and line."""
    for path in (ROOT / "clients/unity/Runtime/Core").glob("*.cs"):
        (tmp_path / path.name).write_text(path.read_text("utf-8").replace("WireFault.Magic;", "WireFault.Magik;"))
    script = (
        "import sys; from pathlib import Path; from tests.clients.unity import build\n"
        f"build.load(Path({str(program.folder)!r}))\n"
        f"told = build.compile_part(build.Part('Wrong', Path({str(tmp_path)!r})), Path({str(tmp_path)!r}))\n"
        f"print(*told, *build.beyond_standard(Path({str(program.folder / 'Tests.dll')!r})), sep='\\n')"
    )
    environment = toolchain.environment(program.folder / "libraries")
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120)
    assert "Wire.cs(" in done.stdout and "error CS" in done.stdout, done.stdout + done.stderr
    assert "ReactionEngine.StreamPlayer" in done.stdout  # of the core, so not of .NET Standard


@needs_dotnet
def test_the_tests_in_csharp_pass(program: Program) -> None:
    lines = program.run("unit")
    assert lines[-1].endswith(" passed, 0 failed") and len(lines) > 35, "\n".join(lines)


@needs_dotnet
def test_golden_messages_are_read_as_python_reads_them(program: Program) -> None:
    cases = json.loads(golden.PATH.read_text())
    whole = cases[0]["hex"]
    broken = {"": "TooShort", whole[:-2]: "Length", whole + "00": "Length", "52584e32" + whole[8:]: "Magic"}
    given = [case["hex"] for case in cases] + list(broken)
    lines = program.run("decode", given="\n".join(given) + "\n")
    for case, line in zip(cases, lines, strict=False):
        *numbers, values = line.split(" ")
        names = ("session", "stream", "flags", "step_us", "seq", "capture_ns", "due_ns", "publish_ns", "layout")
        assert list(map(int, numbers)) == [case[name] for name in names], case["name"]
        assert decoded(values) == np.array(case["values"], "<f4").tobytes(), case["name"]
    assert lines[len(cases) :] == list(broken.values())


@needs_dotnet
@pytest.mark.parametrize("name", ["cmu", "humanml3d"])
def test_turns_are_those_that_the_engine_solves(program: Program, name: str) -> None:
    body = skeleton(name)
    places = postures(body, 40)
    lines = [json.dumps(body.to_dict()), *(" ".join(map(repr, pose.ravel().tolist())) for pose in places)]
    said = program.run("body", given="\n".join(lines) + "\n")
    got = np.array([list(map(float, line.split(" "))) for line in said], np.float32).reshape(len(places), -1, 4)
    local = solve_rotations(body, places)
    world = np.empty(local.shape)
    for joint, parent in enumerate(body.parents):
        world[:, joint] = local[:, joint] if parent < 0 else world[:, parent] @ local[:, joint]
    apart = np.einsum("tjik,tjik->tj", world, rotations_of(got))
    degrees = np.degrees(np.arccos(np.clip((apart - 1) / 2, -1, 1)))
    # where places leave the twist about a bone open, rounding moves it by a degree
    assert degrees.max() < 2.0, [body.joints[joint] for joint in np.unique(np.nonzero(degrees > 2.0)[1])]
    assert np.median(degrees) < 0.1


def postures(body: Skeleton, count: int) -> np.ndarray:
    """Places (count, J, 3) of bodies whose joints are turned by some tens of degrees."""
    random = np.random.default_rng(1)
    spins = np.concatenate(
        [random.normal(0, 0.25, (count, len(body.joints), 3)), np.ones((count, len(body.joints), 1))], -1
    )
    turns = rotations_of(spins.astype(np.float32)).astype(np.float64)
    places = np.zeros((count, len(body.joints), 3))
    for joint, parent in enumerate(body.parents):
        if parent >= 0:
            turns[:, joint] = turns[:, parent] @ turns[:, joint]
            places[:, joint] = places[:, parent] + turns[:, parent] @ np.array(body.rest[joint])
    return places.astype(np.float32)


@needs_dotnet
def test_frames_of_an_engine_are_read_as_python_reads_them(program: Program) -> None:
    with running("--bundle", "rules", "gesture") as engine:
        process = program.start("listen", engine.pub, "4", FACE, BODY, "quaternions")
        mine = {}
        with Subscriber(engine.pub) as subscriber:
            while process.is_running():
                for frame in subscriber.receive(0.1):
                    mine[(frame.session, frame.stream, frame.seq)] = frame
        lines = process.end()
    found = seen(lines)
    both = [each for each in found if each.key in mine]
    assert {each.codec for each in both} == {FACE, BODY, "quaternions"}, lines[-3:]
    assert len(both) > 30 and {each.run for each in both} == {0}
    for each in both:
        frame = mine[each.key]
        assert each.header == header(frame) and each.values == frame.values.astype("<f4").tobytes()
        assert each.codec == frame.info.codec
    assert lines[-2].startswith("state Connected lost 0 ") and lines[-1] == "problem "


@needs_dotnet
def test_a_session_over_websocket_is_that_of_the_python_client(program: Program) -> None:
    """Two sessions of one seed that hear nothing decide the same, but for rounding in batches of other sizes."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with running("--bundle", "rules", "--listen", f"127.0.0.1:{port}"):
        url = f"ws://127.0.0.1:{port}/session"
        until_open(port)
        lines = program.run("listen", url, "4", FACE)
        mine = {}
        with Session(url, [], seed=7) as session:
            while len(mine) < 100:
                mine |= {frame.seq: frame for frame in session.receive(1.0) if frame.info.codec == FACE}
        speaking = program.run("listen", url, "3", FACE, "gives=audio/partner")
        refused = program.run("listen", url, "30", FACE, "gives=audio/nobody")
    found = [each for each in seen(lines) if each.header[4] in mine]
    assert len(found) > 20, lines
    for each in found:
        wanted = mine[each.header[4]].values
        np.testing.assert_allclose(np.frombuffer(each.values, "<f4"), wanted, rtol=1e-4, atol=1e-6)
        assert each.header[2] == int(mine[each.header[4]].flags) and each.header[8] == mine[each.header[4]].layout
    assert all(each.header[2] & 4 for each in found)  # silent: nothing was sent
    assert any(not each.header[2] & 4 for each in seen(speaking)), "what was sent was heard"
    assert "state Refused" in refused[-2] and "audio/nobody" in refused[-1]


def until_open(port: int) -> None:
    end = time.monotonic() + 30
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1.0).close()
            return
        except OSError:
            assert time.monotonic() < end
            time.sleep(0.05)


@needs_dotnet
def test_another_engine_at_the_same_place_is_never_misread(program: Program) -> None:
    """A face, then on the same port a body in the same stream number: each is read under its own names."""
    with fake.Engine() as first:
        process = program.start("listen", first.about["pub"], "14", FACE, BODY)
        until(lambda: any(line.startswith(f"frame {FACE} 0 ") for line in list(process.lines)))
    with fake.Engine(dancing=True, after=first, session=9):
        until(lambda: any(line.startswith(f"frame {BODY} 1 ") for line in list(process.lines)))
        lines = process.end()
    found = seen(lines)
    assert {(each.codec, each.run, each.header[0]) for each in found} == {(FACE, 0, fake.SESSION), (BODY, 1, 9)}
    for each in found:
        wanted = fake.values("face" if each.codec == FACE else "body", each.header[4])
        np.testing.assert_array_equal(np.frombuffer(each.values, "<f4"), wanted.astype(np.float32).ravel())


def until(condition) -> None:
    end = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)


@pytest.fixture
def locked() -> Iterator[str]:
    """The address of a publisher that wants keys."""
    context = zmq.Context()
    publisher = context.socket(zmq.PUB)
    publisher.set(zmq.LINGER, 0)
    public, secret = zmq.curve_keypair()
    publisher.curve_server, publisher.curve_publickey, publisher.curve_secretkey = 1, public, secret
    publisher.bind("tcp://127.0.0.1:*")
    yield publisher.get(zmq.LAST_ENDPOINT).decode().rstrip("\0")
    context.destroy()


@needs_dotnet
def test_what_is_no_engine_for_this_client_is_said(program: Program, locked: str) -> None:
    assert "wants keys (CURVE)" in program.run("listen", locked, "20", FACE)[-1]
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))  # bound and not listening: refused
        lines = program.run("listen", f"tcp://127.0.0.1:{nobody.getsockname()[1]}", "1", FACE)
    assert lines[-2].startswith("state Waiting") and "no engine at tcp://127.0.0.1" in lines[-1]
    with socket.create_server(("127.0.0.1", 0)) as web:
        address = f"tcp://127.0.0.1:{web.getsockname()[1]}"
        process = program.start("listen", address, "3", FACE)
        peer, _ = web.accept()
        with peer:
            peer.sendall(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n" + b" " * 64)
            lines = process.end()
    assert "does not speak ZeroMQ" in lines[-1]


def test_every_asset_has_its_meta() -> None:
    """What has none is left out by Unity when the package comes from a git URL."""
    wanted = {metas.meta(path) for path in metas.assets()}
    there = set(metas.PACKAGE.rglob("*.meta"))
    assert wanted == there and len(wanted) > 35
    guids = [line for path in there for line in path.read_text().splitlines() if line.startswith("guid: ")]
    assert len(set(guids)) == len(there) and all(len(guid) == 38 for guid in guids)


def test_the_package_names_what_is_there() -> None:
    package = json.loads((metas.PACKAGE / "package.json").read_text())
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert package["version"] == project["version"]
    assert all((metas.PACKAGE / sample["path"]).is_dir() for sample in package["samples"])
    assemblies = {path: json.loads(path.read_text()) for path in metas.PACKAGE.rglob("*.asmdef")}
    names = {each["name"] for each in assemblies.values()} | {"VRM10"}
    assert all(path.stem == each["name"] and set(each["references"]) <= names for path, each in assemblies.items())
    assert assemblies[metas.PACKAGE / "Runtime/Core/ReactionEngine.Core.asmdef"]["noEngineReferences"]
    sources = {path.parent for path in metas.PACKAGE.rglob("*.cs") if "Samples~" not in path.parts}
    assert sources == {path.parent for path in assemblies}


@pytest.mark.parametrize("path", sorted(metas.PACKAGE.rglob("*.cs")), ids=lambda path: path.name)
def test_files_are_small_and_say_what_they_are(path: Path) -> None:
    lines = path.read_text("utf-8").splitlines()
    assert lines[0].startswith("// ") and len(lines) <= 320 and max(map(len, lines)) <= 120
