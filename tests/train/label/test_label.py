"""The labelling page without a browser: labels on disk at every moment, its server over real HTTP, and blind order."""

from __future__ import annotations

import json
import shutil
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engine.errors import EngineError
from tests.train.dance.bodies import dancer, write_bvh
from train.dance.labelling import task
from train.dance.labels import Label, label_table, read_labels, write_labels
from train.dance.takes import read_takes
from train.label.labels import Labels
from train.label.server import LabelServer
from train.label.task import Task


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two takes of three blocks and a rest."""
    where = tmp_path_factory.mktemp("takes")
    for level, name in ((0, "calm"), (2, "wild")):
        write_bvh(where / f"{name}.bvh", dancer(level, frames=130))
    return where


@pytest.fixture(scope="module")
def dances(folder: Path) -> Task:
    return task([folder])


class Page:
    """What a browser would ask."""

    def __init__(self, server: LabelServer) -> None:
        self.url = server.url
        self.session = self.get("api/task")["session"]

    def raw(self, path: str, body: bytes | None = None, **headers: str) -> bytes:
        request = urllib.request.Request(self.url + path, body, {"Content-Type": "application/json"} | headers)
        with urllib.request.urlopen(request, timeout=5) as answer:
            return bytes(answer.read())

    def get(self, path: str) -> Any:
        return json.loads(self.raw(path))

    def post(self, path: str, **body: Any) -> Any:
        return json.loads(self.raw(path, json.dumps({"session": self.session} | body).encode()))

    def label(self, clip: int, **values: int | None) -> Any:
        return self.post("api/labels", clip=clip, values=values)

    def refused(self, path: str, body: bytes | None = None, **headers: str) -> tuple[int, str]:
        with pytest.raises(urllib.error.HTTPError) as caught:
            self.raw(path, body, **headers)
        with caught.value as error:
            return error.code, json.loads(error.read())["error"]


@contextmanager
def page(asked: Task, out: Path, by: str = "me") -> Iterator[Page]:
    with Labels(out, asked, by) as labels, LabelServer(asked, labels, 0) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield Page(server)
        finally:
            server.shutdown()
            thread.join()


def test_a_label_is_on_disk_once_it_has_both_efforts_and_trains(dances: Task, folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "labels.csv"
    with page(dances, out) as mine:
        assert out.read_text() == "take,start,space,time,by\n"
        half = mine.label(1, time=3)
        assert half["labels"]["1"] == {"values": {"time": 3}, "by": "me"} and half["rows"] == 0
        assert read_labels(out) == []
        mine.label(1, space=4)
        assert read_labels(out) == [Label("calm", 40, space=4, time=3, by="me")]
        mine.label(5, time=1, space=2)
        mine.label(5, time=2)
        assert read_labels(out)[1] == Label("wild", 80, space=2, time=2, by="me")
    tables = label_table(read_takes(folder), read_labels(out), "time", around=0)
    assert tables["calm"][40] == 2 and tables["wild"][80] == 1
    assert sum((table >= 0).sum() for table in tables.values()) == 2


def test_undo_goes_back_through_everything_and_a_new_start_goes_on(dances: Task, tmp_path: Path) -> None:
    out = tmp_path / "labels.csv"
    write_labels(out, [Label("calm", 0, 1, 1, "ann"), Label("elsewhere", 7, 3, 3, "ann")])
    states = [out.read_bytes()]
    with page(dances, out) as mine:
        steps = [(0, {"time": 2}), (2, {"time": 1}), (2, {"space": 3}), (2, {"space": None, "time": None})]
        for clip, values in steps:
            mine.label(clip, **values)
            states.append(out.read_bytes())
        assert read_labels(out)[0].by == "me"
        for number in reversed(range(len(steps))):
            back = mine.post("api/undo")
            assert (back["clip"], back["undo"]) == (steps[number][0], number)
            assert out.read_bytes() == states[number]
        assert mine.post("api/undo")["clip"] is None
        mine.label(3, time=1, space=1)
    with page(dances, out) as again:
        state = again.get("api/labels")
        assert sorted(state["labels"]) == ["0", "3"] and state["elsewhere"] == 1 and state["rows"] == 3
        assert again.get(f"api/labels?after={state['version']}").keys() == state.keys() - {"labels"}


def test_windows_and_editors_on_one_file_are_merged_and_a_second_program_is_refused(
    dances: Task, tmp_path: Path
) -> None:
    out = tmp_path / "labels.csv"
    with page(dances, out) as one:
        other = Page.__new__(Page)
        other.url, other.session = one.url, one.session
        with ThreadPoolExecutor(8) as pool:
            told = list(
                pool.map(lambda clip: (one, other)[clip % 2].label(clip % 4, time=1 + clip % 4, space=1), range(40))
            )
        assert max(answer["version"] for answer in told) == 4  # the same label again changes nothing
        assert {label.start // 40 + 3 * (label.take == "wild"): label.time for label in read_labels(out)} == {
            clip: 1 + clip for clip in range(4)
        }
        assert len(one.get("api/labels")["labels"]) == 4
        with pytest.raises(EngineError, match="another labelling page has it open; close that one"), page(dances, out):
            pass
        write_labels(out, [*read_labels(out), Label("wild", 80, 3, 3, "editor")])
        one.label(4, time=2, space=2)
        assert len(read_labels(out)) == 6
        one.post("api/undo")
        assert [label.by for label in read_labels(out)] == ["me"] * 4 + ["editor"]
        out.unlink()
        one.label(4, time=2, space=2)
        assert len(read_labels(out)) == 6


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ("calm,40,,1,me", r"labels.csv:3: field 3 is empty"),
        ("calm,40,1,7,me", r"labels.csv:3: time is 7; give 1 low"),
        ("calm,forty,1,1,me", r"labels.csv:3: start is 'forty'"),
        ("calm,40,1", r"labels.csv:3: has 3 fields, 5 are needed; mend the line"),
        ("calm,1000,1,1,me", r"label of calm at 1000: .* the last start is"),
    ],
)
def test_a_csv_that_does_not_validate_is_refused_and_nothing_is_lost(
    dances: Task, tmp_path: Path, row: str, says: str
) -> None:
    out = tmp_path / "labels.csv"
    text = f"take,start,space,time,by\ncalm,0,1,1,me\n{row}\n"
    out.write_text(text)
    with pytest.raises(EngineError, match=says), page(dances, out):
        pass
    assert out.read_text() == text
    out.unlink()
    with page(dances, out) as mine:  # and the same while it is open
        mine.label(0, time=2, space=2)
        out.write_text(text)
        body = json.dumps({"session": mine.session, "clip": 1, "values": {"time": 1, "space": 1}}).encode()
        assert mine.refused("api/labels", body)[0] == 409
        assert out.read_text() == text
        out.write_text(text.replace(f"{row}\n", ""))
        mine.label(1, time=1, space=1)
        assert [(label.take, label.start, label.time) for label in read_labels(out)] == [
            ("calm", 0, 1),
            ("calm", 40, 1),
        ]


def test_a_label_that_cannot_be_written_is_not_shown_as_given(dances: Task, tmp_path: Path) -> None:
    where = tmp_path / "stick"
    where.mkdir()
    with page(dances, where / "labels.csv") as mine:
        shutil.rmtree(where)
        body = json.dumps({"session": mine.session, "clip": 0, "values": {"time": 1, "space": 1}}).encode()
        status, why = mine.refused("api/labels", body)
        assert status == 409 and "not saved" in why
        assert mine.get("api/labels")["labels"] == {}
        where.mkdir()
        mine.label(0, time=1, space=1)
        assert len(read_labels(where / "labels.csv")) == 1


def test_clips_are_the_frames_that_training_reads(dances: Task, folder: Path, tmp_path: Path) -> None:
    calm, wild = read_takes(folder)
    with page(dances, tmp_path / "labels.csv") as mine:
        told = mine.get("api/task")
        assert [(told["takes"][clip["take"]], clip["start"]) for clip in told["clips"]] == [
            (name, start) for name in ("calm", "wild") for start in (0, 40, 80)
        ]
        got = np.frombuffer(mine.raw("api/clips/4"), "<f4").reshape(40, -1, 3)
        np.testing.assert_array_equal(got, wild.motion.positions[40:80])
        (body,) = told["bodies"]
        sides = dict(zip(calm.motion.skeleton.joints, body["sides"], strict=True))
        assert sides["lHand"] == 1 and sides["rHand"] == -1 and sides["chest"] == 0
        ends = {calm.motion.skeleton.joints[joint] for joint in body["ends"]}
        assert ends == {"lMid1", "rMid1", "lFoot.end", "rFoot.end"}
    (one,) = task([folder / "wild.bvh"]).motions
    np.testing.assert_array_equal(one.positions, wild.motion.positions)


def test_of_a_file_nothing_beside_it_is_read(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    write_bvh(tmp_path / "calm.bvh", dancer(0, frames=90))
    (tmp_path / "broken.bvh").write_text("no take")
    asked = task([tmp_path / "calm.bvh"])
    assert asked.names == ("calm",) and len(asked.clips) == 2 and not caplog.text
    assert task([tmp_path]).names == ("calm",) and "broken.bvh" in caplog.text


def test_damaged_blocks_are_not_shown(tmp_path: Path) -> None:
    whole = dancer(1, frames=130)
    thrown = whole.positions.copy()
    thrown[60] += 5.0
    write_bvh(tmp_path / "thrown.bvh", replace(whole, positions=thrown))
    assert [clip.start for clip in task([tmp_path]).clips] == [0, 80]


def test_blind_labels_hide_the_take_and_record_the_true_block(dances: Task, tmp_path: Path) -> None:
    blind, again, other = dances.blinded(3), dances.blinded(3), dances.blinded(4)
    assert blind.clips == again.clips != other.clips and sorted(map(repr, blind.clips)) == sorted(
        map(repr, other.clips)
    )
    out = tmp_path / "blind.csv"
    with page(blind, out) as mine:
        told = mine.raw("api/task").decode()
        assert "calm" not in told and "wild" not in told
        assert all(clip.keys() == {"frames", "body", "floor"} for clip in json.loads(told)["clips"])
        for clip in range(6):
            mine.label(clip, time=1 + clip % 3, space=4)
            seen = np.frombuffer(mine.raw(f"api/clips/{clip}"), "<f4").reshape(40, -1, 3)
            take, start = blind.key(clip)
            true = dances.motions[dances.names.index(take)].positions[start : start + 40]
            np.testing.assert_array_equal(seen, true)
            assert Label(take, start, 4, 1 + clip % 3, "me") in read_labels(out)
    with pytest.raises(EngineError, match="by me, which would be seen"), page(blind, out, by="you"):
        pass


def test_only_a_page_of_this_machine_is_answered(dances: Task, tmp_path: Path) -> None:
    with page(dances, tmp_path / "labels.csv") as mine:
        body = json.dumps({"session": mine.session, "clip": 0, "values": {"time": 1}}).encode()
        for status, says, path, given, headers in [
            (403, "is not this page", "", None, {"Host": "evil.example:80"}),
            (403, "is not this page", "api/clips/0", None, {"Host": "evil.example"}),
            (403, "origin", "api/labels", body, {"Origin": "http://evil.example"}),
            (415, "send JSON", "api/labels", body, {"Content-Type": "text/plain"}),
            (400, "does not read as JSON", "api/labels", b"{", {}),
            (400, "at most", "api/labels", b" " * 20_000, {}),
            (400, "must be a JSON object", "api/labels", b"[]", {}),
            (409, "reload", "api/labels", b'{"session": "older", "clip": 0, "values": {"time": 1}}', {}),
            (400, "give", "api/labels", json.dumps({"session": mine.session, "clip": "0"}).encode(), {}),
            (409, "no level", "api/labels", body.replace(b": 1}", b": 5}"), {}),
            (409, "no level", "api/labels", body.replace(b": 1}", b": true}"), {}),
            (409, "no scale 'size'", "api/labels", body.replace(b"time", b"size"), {}),
            (409, "clips are 0 to 5", "api/labels", body.replace(b'"clip": 0', b'"clip": 6'), {}),
            (404, "there is no", "api/clips/6", None, {}),
            (404, "there is no", "../labels.py", None, {}),
            (404, "there is no", "api/else", body, {}),
        ]:
            got, why = mine.refused(path, given, **headers)
            assert (got, says in why) == (status, True), why
        assert mine.get("api/labels")["labels"] == {}
        assert b"page.js" in mine.raw("") and mine.raw("", Host=mine.url[7:-1].replace("127.0.0.1", "localhost"))
        with (
            pytest.raises(EngineError, match=r"port \d+ cannot be used .* give --port N"),
            Labels(tmp_path / "other.csv", dances, "me") as labels,
        ):
            LabelServer(dances, labels, int(mine.url.rsplit(":", 1)[1].strip("/")))


def test_takes_that_cannot_be_shown_are_named(folder: Path, tmp_path: Path, dances: Task) -> None:
    with pytest.raises(EngineError, match=r"none\.bvh: no such file or folder; give a take"):
        task([tmp_path / "none.bvh"])
    (tmp_path / "notes.txt").write_text("x")
    with pytest.raises(EngineError, match=r"notes\.txt: is no take; give a \.bvh file"):
        task([tmp_path / "notes.txt"])
    write_bvh(tmp_path / "short.bvh", dancer(1, frames=30))
    with pytest.raises(EngineError, match=r"short\.bvh: has 30 frames"):
        task([tmp_path / "short.bvh"])
    write_bvh(tmp_path / "calm.bvh", dancer(1, frames=90))
    with pytest.raises(EngineError, match="two takes 'calm'; rename one"):
        task([folder, tmp_path / "calm.bvh"])
    with pytest.raises(EngineError, match="there is no folder"), Labels(tmp_path / "a" / "b.csv", dances, "me"):
        pass
