"""Reading what may be anything: cut, changed, made up. Always words, never much memory, never a number believed."""

from __future__ import annotations

import json
import random
import struct
import tracemalloc
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import zstandard

from engine.body.export import read_recording
from engine.errors import EngineError
from engine.record.container import MAGIC
from engine.record.layout import HEAD, RecordingError
from engine.record.reading import Recording
from engine.record.save import to_npz
from engine.wire import HEADER
from tests.engine.record.scenes import Parts, recorded, rewrite, some

WILD = [
    0,
    -1,
    1,
    2**31,
    2**32,
    2**53,
    2**63,
    2**64,
    10**30,
    10**4000,
    1e308,
    True,
    None,
    "",
    "a",
    "\x1b[2J",
    "x" * 5000,
]
WILD += [[], {}, [[]], [1] * 3, {"a": 1}, float("nan"), float("inf"), -0.5]


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return recorded(tmp_path_factory.mktemp("good") / "a.mcap", [some(seq) for seq in range(4)])


def read(path: Path) -> int:
    """Everything that a recording holds; how many steps."""
    return sum(1 for step in Recording(path).steps() if step.inputs is not None)


def in_words(path: Path, use: Callable[[Path], object] = read) -> str:
    """What is said of a file, "" where nothing is. Anything but an error in words fails the test."""
    try:
        use(path)
    except EngineError as error:
        said = str(error)
        assert said.startswith((str(path), "cannot write")) and len(said) < 1000 and said.isprintable(), said
        return said
    return ""


def test_a_file_of_any_length_says_that_it_has_no_end(good: Path, tmp_path: Path) -> None:
    whole, path, seen = good.read_bytes(), tmp_path / "cut.mcap", set()
    summary = whole.index(struct.pack("<BQ", 15, 4))
    for length in range(0, len(whole), 7):
        path.write_bytes(whole[:length])
        said = in_words(path)
        if said:
            assert "is no recording" in said
            continue
        recording = Recording(path)
        seen.add(len(list(recording.steps())))
        assert recording.cut is (length < summary + 9)  # behind that is only what tools need to jump
    assert seen == {0, 4}  # one chunk: all of it or nothing


def test_whatever_is_changed_in_a_file_is_told_in_words(good: Path, tmp_path: Path) -> None:
    whole, path, rng = good.read_bytes(), tmp_path / "changed.mcap", random.Random(1)
    told: dict[str, int] = {}
    for _ in range(3000):
        content = bytearray(whole)
        for _ in range(rng.choice([1, 1, 1, 4, 20])):
            at = rng.randrange(len(content))
            match rng.randrange(4):
                case 0:
                    content[at] ^= 1 << rng.randrange(8)
                case 1:
                    content[at : at + 8] = rng.randbytes(8)
                case 2:
                    del content[at : at + rng.randrange(1, 30)]
                case 3:
                    content[at:at] = content[at : at + rng.randrange(1, 30)]
        path.write_bytes(content)
        said = in_words(path)
        told[said] = told.get(said, 0) + 1
    assert len(told) > 10
    assert told[""] < 1500  # in the summary, or such that nothing was lost


def repacked(whole: bytes, change: Callable[[bytearray], None]) -> bytes:
    """The file with its chunk's content changed, and sums and sizes right again."""
    at, out = len(MAGIC), MAGIC
    while at < len(whole):
        code, length = struct.unpack_from("<BQ", whole, at)
        body = whole[at + 9 : at + 9 + length]
        if code == 6:
            content = bytearray(zstandard.decompress(body[44:]))
            assert body[28:36] == b"\x04\0\0\0zstd"
            change(content)
            packed = zstandard.compress(bytes(content))
            sizes = struct.pack("<QI", len(content), zlib.crc32(content))
            body = body[:16] + sizes + body[28:36] + struct.pack("<Q", len(packed)) + packed
        out += struct.pack("<BQ", code, len(body)) + body
        at += 9 + length
        if code == 15:
            break
    return out


def test_whatever_a_made_up_file_holds_is_told_in_words(good: Path, tmp_path: Path) -> None:
    whole, path, rng = good.read_bytes(), tmp_path / "made.mcap", random.Random(2)
    told: dict[str, int] = {}

    def change(content: bytearray) -> None:
        for _ in range(rng.choice([1, 1, 3])):
            at = rng.randrange(len(content))
            if rng.random() < 0.5:
                content[at : at + 4] = rng.choice([b"\xff" * 4, b"\0" * 4, rng.randbytes(4), b"\xff\xff\xff\x7f"])
            elif rng.random() < 0.5:
                del content[at : at + rng.randrange(1, 100)]
            else:
                content[at] ^= 1 << rng.randrange(8)

    for turn in range(3000):
        path.write_bytes(repacked(whole, change))
        said = in_words(path)
        told[said] = told.get(said, 0) + 1
        if turn % 10 == 0:
            in_words(path, lambda changed: to_npz(changed, tmp_path / "a.npz"))
            in_words(path, read_recording)
    assert len(told) > 20 and told[""] > 100  # numbers of a pose may be anything


def places(values: Any, at: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The paths of all values within plain values."""
    keys = (
        list(values) if isinstance(values, dict) else list(range(len(values)))[:2] if isinstance(values, list) else []
    )
    return [at] + [place for key in keys for place in places(values[key], (*at, key))]


def test_whatever_a_description_says_is_told_in_words(good: Path, tmp_path: Path) -> None:
    path = tmp_path / "described.mcap"
    own = json.loads(next(iter(described(good))))
    told = set()
    for place in places(own):
        for value in WILD:

            def put(_: Any, place: tuple[Any, ...] = place, value: Any = value) -> Any:
                changed = json.loads(json.dumps(own))
                if not place:
                    return value if not isinstance(value, str) else json.dumps(value)
                inner = changed
                for key in place[:-1]:
                    inner = inner[key]
                inner[place[-1]] = value
                return changed

            rewrite(good, path, about=put)
            told.add(in_words(path))
            in_words(path, read_recording)
    assert len(told) > 100
    for text in ("", "[" * 100_000, '{"a":' * 50_000, "1" * 10_000, '{"engine": 1', "nan"):
        rewrite(good, path, about=lambda _, text=text: text)
        assert "its description does not read" in in_words(path)


def described(path: Path) -> list[str]:
    from engine.record.container import Metadata
    from engine.record.container import read as records

    with path.open("rb") as file:
        return [record.values["about"] for record in records(file) if isinstance(record, Metadata)]


def headed(**changed: int) -> Callable[[int, Parts], Parts]:
    """Changes the head of the third step."""
    names = ("seq", "capture", "due", "given", "flags", "reset", "committed", "row", "start", "size", "lost", "crc")

    def change(number: int, parts: Parts) -> Parts:
        if number == 2:
            values = dict(zip(names, HEAD.unpack_from(parts[0]), strict=True)) | changed
            parts[0] = HEAD.pack(*values.values()) + parts[0][HEAD.size :]
        return parts

    return change


def test_numbers_that_lie_are_named(good: Path, tmp_path: Path) -> None:
    path = tmp_path / "lies.mcap"
    for change, said in (
        (headed(row=5), "row 5 in rows 0 to 1 cannot be"),
        (headed(row=2**32 - 1, start=2**32 - 1), "row 4294967295"),
        (headed(size=0), "cannot be"),
        (headed(size=2048), "cannot be"),
        (headed(row=3, start=2, size=4), "cannot be"),
        (headed(flags=1 << 24), "flags 0x1000000"),
        (headed(seq=1), "frame 1 follows frame 1"),
        (headed(seq=0), "frame 0 follows frame 1"),
        (headed(seq=-(2**63)), "frame -9223372036854775808 follows"),
        (lambda _, parts: [parts[0] + b"\0", *parts[1:]], "a step of"),
        (lambda _, parts: [parts[0], parts[2], parts[1]], "of stream 'body': 2 values"),
        (lambda _, parts: [parts[0], parts[1][: HEADER.size], parts[2]], "does not hold"),
        (lambda number, parts: parts[:2] if number == 2 else parts, "a message of another channel"),
        (lambda number, parts: parts[:2] if number == 3 else parts, "it ends within frame 3"),
        (lambda number, parts: parts[1:] if number == 0 else parts, "a message of another channel"),
    ):
        assert said in in_words(rewrite(good, path, change))
    assert in_words(rewrite(good, path)) == ""
    assert "recording of format '2', this engine reads 1" in in_words(rewrite(good, path, form="2"))


def test_what_is_no_recording_is_told_apart(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("nothing of that kind")
    (tmp_path / "empty").write_bytes(b"")
    (tmp_path / "bare").write_bytes(MAGIC + struct.pack("<BQI", 15, 4, 0) + MAGIC)
    for name, said in (
        ("none", "No such file"),
        (".", "is no file"),
        ("text", "does not begin as an MCAP file does"),
        ("empty", "does not say of what"),
        ("bare", "is no recording of a session"),
    ):
        assert said in in_words(tmp_path / name)
    with pytest.raises(RecordingError, match="null"):
        Recording(tmp_path / "\0")


def record(code: int, body: bytes) -> bytes:
    return struct.pack("<BQ", code, len(body)) + body


def chunk(packing: bytes, size: int, content: bytes, stated: int | None = None, crc: int = 0) -> bytes:
    head = struct.pack("<QQQII", 0, 0, size, crc, len(packing)) + packing
    return head + struct.pack("<Q", len(content) if stated is None else stated) + content


def test_a_file_cannot_make_the_reader_take_much_memory(tmp_path: Path, good: Path) -> None:
    whole = good.read_bytes()
    start = whole[: whole.index(b"(\xb5/\xfd") - 53]  # up to the chunk: the metadata and the channels
    bomb = zstandard.compress(bytes(1 << 30))
    path = tmp_path / "bomb.mcap"
    for content, said in (
        (struct.pack("<BQ", 6, 2**63), "a record of 9223372036854775808 bytes"),
        (struct.pack("<BQ", 12, 32 << 20), ""),  # cut short, and nothing set aside for what is not there
        (record(6, chunk(b"zstd", 1 << 30, bomb)), "says to hold 1073741824 bytes"),
        (record(6, chunk(b"zstd", 100, bomb)), "another number of bytes"),
        (record(6, chunk(b"lz4", 100, b"")), "packed as 'lz4'"),
        (record(6, chunk(b"", 100, b"")), "does not match its checksum"),
        (record(6, chunk(b"", 100, bytes(100), crc=1)), "does not match its checksum"),
        (record(6, chunk(b"zstd", 100, zstandard.compress(bytes(100)), crc=1)), "does not match its checksum"),
        (record(6, chunk(b"zstd", 100, b"x", 2**63)), "do not add up"),
        (record(6, chunk(b"zstd", 100, b"nothing packed")), "does not unpack"),
        (record(6, b""), "without a head"),
        (record(5, b"short"), "a message without a head"),
        (record(12, b"\xff" * 40), "metadata record that does not read"),
        (record(12, bytes((4 << 20) + 1)), "metadata of 4194305 bytes"),
        (record(4, b"\xff" * 40), "channel record that does not read"),
        (bytes(100), "a record of kind 0"),
    ):
        path.write_bytes(start + content)
        tracemalloc.start()
        try:
            said_then = in_words(path)
            assert tracemalloc.get_traced_memory()[1] < 16 << 20
        finally:
            tracemalloc.stop()
        assert said in said_then and bool(said) is bool(said_then), said_then
