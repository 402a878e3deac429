"""A real engine that serves with bridges, as a user runs it: what arrives moves, one receiver is dead, one says
nothing, and no process is left behind however the engine ends."""

from __future__ import annotations

import math
import os
import re
import signal
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from oscpy.parser import read_packet
from pylivelinkface import FaceBlendShape, PyLiveLinkFace

from clients.bridges.address import parse
from clients.bridges.pump import pump
from clients.bridges.vmc import Vmc
from clients.python.subscriber import Subscriber
from engine.body.humanoid import humanoid
from engine.body.skeleton import skeleton
from engine.control import ask

from . import fake
from .bridges import Receiver, until
from .test_following import served
from .vtube_studio import VTubeStudio

ROOT = Path(__file__).resolve().parents[2]
FREE = "tcp://127.0.0.1:*"
BEHIND = sys.platform.startswith("linux")


class Engine:
    """``engine serve`` in a session of processes of its own; its lines are gathered."""

    def __init__(self, *bridges: str, more: tuple[str, ...] = (), home: Path | None = None) -> None:
        line = [sys.executable, "-m", "engine", "serve", "--source", "demo", "--pub", FREE, "--control", FREE, *more]
        line += [word for url in bridges for word in ("--bridge", url)]
        self.process = subprocess.Popen(
            line,
            cwd=ROOT,
            env=os.environ | ({} if home is None else {"XDG_CONFIG_HOME": str(home)}),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        self.lines: list[str] = []
        self.thread = threading.Thread(target=self._read, daemon=True)
        self.thread.start()
        until(lambda: self.control)

    def _read(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self.lines.append(line.rstrip())

    @property
    def control(self) -> str:
        found = [line for line in self.lines if line.startswith("frames on ")]
        return re.findall(r"tcp://[\d.:]+", found[0])[1] if found else ""

    def children(self) -> list[int]:
        tasks = Path(f"/proc/{self.process.pid}/task").glob("*/children")
        return [int(each) for task in tasks for each in task.read_text().split()]

    def end(self) -> int:
        """Its exit code."""
        code = self.process.wait(30)
        self.thread.join(30)
        return code


@contextmanager
def running(*bridges: str, more: tuple[str, ...] = (), home: Path | None = None) -> Iterator[Engine]:
    engine = Engine(*bridges, more=more, home=home)
    try:
        yield engine
    finally:
        if engine.process.poll() is None:
            engine.process.kill()
        engine.process.communicate()


def alive(number: int) -> bool:
    """Whether a process runs; one that has ended and was not asked for its code does not."""
    try:
        return Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def osc(packet: bytes) -> dict[str, list[list[object]]]:
    """Arguments of all messages by address."""
    found: dict[str, list[list[object]]] = {}
    for address, _, values, _ in read_packet(packet, encoding="utf-8"):
        found.setdefault(address.decode().removeprefix("/VMC/Ext/"), []).append(values)
    return found


def state(receiver: Receiver) -> list[object]:
    """``OK`` of the next packet."""
    return osc(receiver.next())["OK"][0]


def span(numbers: list[float]) -> float:
    return max(numbers) - min(numbers)


class Moved:
    """The head's pitch and the left lid in what has arrived, by protocol."""

    def __init__(self) -> None:
        self.pitches: dict[str, list[float]] = {"vmc": [], "livelink": [], "ifacialmocap": [], "vts": []}
        self.lids: dict[str, list[float]] = {name: [] for name in self.pitches}
        self.times: list[float] = []
        self.last: dict[str, list[list[object]]] = {}
        self.face_there = False

    def add(self, name: str, pitch: object, lid: object) -> None:
        """Degrees; 0..1."""
        self.pitches[name].append(float(str(pitch)))
        self.lids[name].append(float(str(lid)))

    def all_move(self) -> bool:
        """Whether everywhere a head has nodded by a degree and an eye closed."""
        return all(len(each) > 20 and span(each) > 1.0 for each in self.pitches.values()) and all(
            span(each) > 0.5 for each in self.lids.values()
        )

    def see_vmc(self, packets: list[bytes]) -> None:
        for packet in packets:
            self.last = told = osc(packet)
            self.times.append(float(str(told["T"][0][0])))
            if told["OK"][0] == [1, 3, 0, 1]:
                half = {values[0]: float(str(values[4])) for values in told["Bone/Pos"]}
                lids = {values[0]: values[1] for values in told["Blend/Val"]}
                self.add("vmc", math.degrees(2 * (half["Neck"] + half["Head"])), lids["EyeBlinkLeft"])

    def see_live_link(self, packets: list[bytes]) -> None:
        for packet in packets:
            self.face_there, told = PyLiveLinkFace.decode(packet)
            if self.face_there:
                pitch = math.degrees(told.get_blendshape(FaceBlendShape.HeadPitch))
                self.add("livelink", pitch, told.get_blendshape(FaceBlendShape.EyeBlinkLeft))

    def see_mocap(self, packets: list[bytes]) -> None:
        for packet in packets:
            pitch, lid = (re.findall(rf"{each}([^,|]+)", packet.decode())[0] for each in ("=head#", "eyeBlink_L-"))
            self.add("ifacialmocap", pitch, int(lid) / 100)

    def see_studio(self, injected: list[dict[str, Any]]) -> None:
        for each in injected[len(self.pitches["vts"]) :]:
            self.add("vts", each["values"]["FaceAngleY"], 1.0 - each["values"]["EyeOpenLeft"])


def test_what_arrives_moves_in_every_protocol_whatever_others_receive(tmp_path: Path) -> None:
    with (
        Receiver() as dead,
        Receiver() as vmc,
        Receiver() as link,
        Receiver() as mocap,
        VTubeStudio() as studio,
        VTubeStudio() as silent,
    ):
        silent.silent = True
        dead.socket.close()
        urls = (
            f"vmc://127.0.0.1:{dead.port}",
            f"vmc://127.0.0.1:{vmc.port}?names=arkit",
            f"livelink://127.0.0.1:{link.port}",
            f"ifacialmocap://127.0.0.1:{mocap.port}",
            f"vts://127.0.0.1:{studio.port}",
            f"vts://127.0.0.1:{silent.port}",
        )
        moved = Moved()

        def look() -> bool:
            moved.see_vmc(vmc.waiting())
            moved.see_live_link(link.waiting())
            moved.see_mocap(mocap.waiting())
            moved.see_studio(studio.injected)
            return moved.all_move()

        with running(*urls, more=("--set", "nod_rate=3"), home=tmp_path) as engine:
            until(look, 40.0)  # until a nod and a blink have gone through everywhere
            ask(engine.control, {"op": "stop"})
            assert engine.end() == 0
        look()
        assert moved.times == sorted(moved.times)
        assert moved.last["OK"] == [[0, 3, 0, 0]] and not moved.face_there  # both say that nobody is there any more
        assert not any("have ended" in line for line in engine.lines)
        counted = Counter(re.sub(r":\d+", "", line) for line in engine.lines if line.startswith("bridge: "))
        nobody = "bridge: vmc://127.0.0.1: nobody receives there: is the program open, and its port the same?"
        assert counted[nobody] == 1
        assert studio.wrong == [] and studio.injected[-1]["faceFound"] is False
        assert silent.injected == [] and 0 < len(silent.asked) < 10


@pytest.mark.skipif(not BEHIND, reason="children are found in /proc")
def test_paused_killed_and_left_it_says_so_and_goes_on() -> None:
    with Receiver() as vmc, running(f"vmc://127.0.0.1:{vmc.port}") as engine:
        until(lambda: state(vmc) == [1, 3, 0, 1])
        ask(engine.control, {"op": "pause"})
        until(lambda: state(vmc) == [1, 3, 0, 0])
        last: dict[str, list[list[object]]] = {}
        while (told := osc(vmc.next()))["OK"][0][0] == 1:
            last = told
        assert {value for _, value in last["Blend/Val"]} == {0.0}  # at rest, not as it was
        assert set(told) == {"T", "OK"}
        ask(engine.control, {"op": "pause", "paused": False})
        until(lambda: state(vmc) == [1, 3, 0, 1])

        (child,) = engine.children()
        os.kill(child, signal.SIGKILL)
        until(lambda: any("bridges have ended (code -9)" in line for line in engine.lines))
        vmc.waiting()
        until(lambda: state(vmc) == [1, 3, 0, 1])
        (child,) = engine.children()
        engine.process.kill()
        engine.process.wait(30)
        until(lambda: state(vmc) == [0, 3, 0, 0])
        until(lambda: not alive(child))


@pytest.mark.skipif(not BEHIND, reason="children are found in /proc")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signals_end_both(number: signal.Signals) -> None:
    with Receiver() as vmc, running(f"vmc://127.0.0.1:{vmc.port}") as engine:
        until(lambda: state(vmc) == [1, 3, 0, 1])
        (child,) = engine.children()
        os.kill(child, signal.SIGINT)  # it ends with the engine, which gets a terminal's Ctrl-C as well
        assert [state(vmc) for _ in range(10)] == [[1, 3, 0, 1]] * 10 and engine.children() == [child]
        if number == signal.SIGINT:
            os.killpg(engine.process.pid, number)  # as a terminal does it: to the bridges as well
        else:
            engine.process.send_signal(number)
        assert engine.end() == 0
        assert not alive(child)
        assert osc(vmc.waiting()[-1])["OK"] == [[0, 3, 0, 0]]
        assert not any("have ended" in line or "Traceback" in line for line in engine.lines)


def test_a_wrong_url_is_refused_before_the_session_begins() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "engine", "serve", "--source", "demo", "--pub", FREE, "--bridge", "vmc://"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 2 and len(done.stderr.splitlines()) == 1
    assert done.stderr.startswith("engine serve: --bridge: bridge 'vmc://': no host; write vmc://HOST:PORT")


def test_a_session_of_its_own_on_an_engine_of_the_network() -> None:
    with Receiver() as vmc, served("--bundle", "rules") as engine:
        line = [sys.executable, "-m", "clients.bridges", f"vmc://127.0.0.1:{vmc.port}", "--session"]
        bridge = subprocess.Popen([*line, engine.url.removesuffix("/session")], cwd=ROOT, stderr=subprocess.PIPE)
        try:
            until(lambda: state(vmc) == [1, 3, 0, 1])
            bridge.send_signal(signal.SIGTERM)
            told = bridge.communicate(timeout=30)[1].decode()
        finally:
            bridge.kill()
        assert bridge.returncode == 0 and told == f"{engine.url} to vmc://127.0.0.1:{vmc.port}\n"
        assert osc(vmc.waiting()[-1])["OK"] == [[0, 3, 0, 0]]
        asked = [*line, engine.url, "--bundle", "nobody"]
        done = subprocess.run(asked, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 1 and "bundles nobody: give one or several" in done.stderr
        done = subprocess.run([*line, "first"], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 2 and "write it as ws://HOST:PORT/session" in done.stderr


def test_another_engine_with_another_bundle_is_never_mixed_with_the_one_before() -> None:
    said: list[str] = []
    stop = threading.Event()
    with Receiver() as vmc, fake.Engine(monitor=False) as first, Subscriber(first.about["pub"], latest=True) as frames:
        bridge = Vmc(parse(f"vmc://127.0.0.1:{vmc.port}"), said.append)
        thread = threading.Thread(target=pump, args=(frames, [bridge], stop, float("inf"), said.append))
        thread.start()
        until(lambda: "Blend/Val" in osc(vmc.next()))
        first.__exit__()
        dancer = fake.Engine(monitor=False, dancing=True, after=first)
        dancer.about["skeletons"]["cmu"]["humanoid"] = humanoid(skeleton("cmu"))
        with dancer:
            told = [osc(vmc.next())]
            while told[-1].get("Bone/Pos", [[""]])[0][0] != "Hips":
                told.append(osc(vmc.next()))
            later = [osc(vmc.next()) for _ in range(20)]
        stop.set()
        thread.join(20)
    for each in [*told, *later]:
        hips = any(values[0] == "Hips" for values in each.get("Bone/Pos", []))
        assert not (hips and "Blend/Val" in each)
    assert any("begun anew: session 5, bundle dance" in line or "back after" in line for line in said)
