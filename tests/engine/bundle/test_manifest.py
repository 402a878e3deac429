"""Manifests from strangers: no bomb goes off, nothing runs, thousands of mutations end in a bundle or in words."""

from __future__ import annotations

import random
import tracemalloc
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from engine.bundle import MANIFEST, MANIFEST_LIMIT, Bundle, BundleError
from engine.bundle.manifest import read_manifest
from engine.bundle.plain_yaml import DEEPEST, MOST_VALUES, PlainYamlError, parse
from engine.errors import EngineError
from tests.engine.bundle.graphs import bundle_of, good

MOST_MEMORY = 64 << 20
BOMB = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{new}: &{new} [{', '.join([f'*{old}'] * 9)}]\n" for old, new in zip("abcdefghijk", "bcdefghijkl", strict=True)
)
TEXTS = {
    "broken": ("format: [1", "does not read as YAML"),
    "list": ("- 1\n- 2\n", "holds a list, not a mapping"),
    "empty": ("", "holds a NoneType"),
    "comment": ("# nothing\n", "holds a NoneType"),
    "deep": ("[" * 5000, f"nested more than {DEEPEST} deep in line 1"),
    "deep maps": ("{a: " * 5000, f"nested more than {DEEPEST} deep"),
    "bomb": (BOMB, "an anchor"),
    "alias": ("a: *b\n", "an alias"),
    "merge": ("a: {<<: *b}\n", "an alias"),
    "code": ("format: !!python/object/apply:os.system ['true']\n", "a tag"),
    "tag": ("format: !!int '2'\n", "a tag"),
    "two documents": ("format: 2\n---\nformat: 2\n", "a second document"),
    "twice": ("format: 2\nformat: 2\n", "the key 'format' twice"),
    "list as key": ("[1, 2]: 3\n", "a key that is no text"),
    "escape codes": ('format: 2\nname: "\\e[2J"\n', "control characters"),
    "turned letters": ('format: 2\nname: "\\u202egnp"\n', "control characters"),
    "many": ("x: [" + "1, " * MOST_VALUES + "]", f"more than {MOST_VALUES} values"),
    "junk": ("x: [" + "1, " * (1_266_000) + "]", f"{MANIFEST_LIMIT} at most"),
    "long": ("x: " + "a" * MANIFEST_LIMIT, f"{MANIFEST_LIMIT} at most"),
    "long text": ("format: 2\nname: " + "a" * (MANIFEST_LIMIT - 100), "version: Field required"),
    "base 60": ("format: 2\nspec: 1" + ":59" * 300_000, "name: Field required"),
    "long number": ("format: 2\nspec: " + "9" * 1_000_000, "name: Field required"),
    "wrong in many places": ("format: 2\nspec: {inputs: [" + "1, " * 30_000 + "]}", "and 3[0-9]{4} more"),
    "many keys": ("format: 2\n" + "".join(f"k{n}: 1\n" for n in range(16_000)), "and 16[0-9]{3} more"),
}


@pytest.mark.parametrize(("text", "reason"), TEXTS.values(), ids=TEXTS)
def test_manifest_that_is_none(tmp_path: Path, text: str, reason: str):
    (tmp_path / MANIFEST).write_text(text)
    Bundle.load("rules")  # what is imported for the first bundle is not counted
    tracemalloc.start()
    try:
        with pytest.raises(BundleError, match=reason) as caught:
            Bundle.load(tmp_path)
        assert tracemalloc.get_traced_memory()[1] < MOST_MEMORY
    finally:
        tracemalloc.stop()
    assert len(str(caught.value)) < len(str(tmp_path)) + 1000
    assert str(caught.value).isprintable()


def test_bytes_that_are_no_text(tmp_path: Path):
    (tmp_path / MANIFEST).write_bytes(b"format: \xff")
    with pytest.raises(BundleError, match=r"does not read as YAML.*utf-8"):
        Bundle.load(tmp_path)


PLAIN = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**18), 10**18)
    | st.floats(allow_nan=False)
    | st.text(st.characters(categories=("L", "N", "P", "S", "Zs")), max_size=30)
    | st.sampled_from(["yes", "no", "1:30", "2020-01-01", "0x10", "012", "1_000", "=", "<<", "1e5", ".5", "~", "-"]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text("abcß1-.", max_size=6), inner, max_size=4),
    max_leaves=12,
)


@given(PLAIN)
def test_what_the_export_writes_is_read_as_it_was(value: object):
    assert parse(yaml.safe_dump(value, sort_keys=False, allow_unicode=True, width=120)) == value


@given(PLAIN)
def test_the_slow_parser_says_the_same(value: object):
    text = yaml.safe_dump(value, allow_unicode=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.delattr(yaml, "CSafeLoader", raising=False)
        assert parse(text) == value


@pytest.mark.parametrize("text", ["x: *a", "[" * 100, "x: &a 1", "a: 1\na: 2", "x: !t 1", "- '\x1b'"])
def test_the_slow_parser_refuses_the_same(text: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delattr(yaml, "CSafeLoader", raising=False)
    with pytest.raises(PlainYamlError):
        parse(text)


JUNK = [
    b"", b"\0", b"\xff", b": ", b"- ", b"[", b"]", b"{", b"}", b"&a ", b"*a", b"!!", b"'", b'"', b"\n", b"\n\n  ",
    b"-1", b"1e999", b".nan", b"null", b"99999999999999999999", b"|\n", b"? ", b"%", b"\t", b"---\n", b"a" * 300,
]  # fmt: skip


def mutated(content: bytes, draw: random.Random) -> bytes:
    """A few places of the content cut out, doubled, overwritten or filled with something else."""
    for _ in range(draw.randint(1, 4)):
        start = draw.randrange(len(content) + 1)
        end = min(len(content), start + draw.choice((0, 0, 1, 2, 8, 40, 400)))
        middle = draw.choice((b"", content[start:end] * 2, draw.choice(JUNK), draw.randbytes(draw.randint(1, 4))))
        content = content[:start] + middle + content[end:]
    return content


@pytest.mark.parametrize("seed", range(6))
def test_mutations_end_in_a_manifest_or_in_words(tmp_path: Path, seed: int):
    """3000 in all. Only EngineErrors are raised, of one short line that holds nothing a terminal would obey."""
    bundle_of(tmp_path, good().SerializeToString())
    whole = (tmp_path / MANIFEST).read_bytes()
    draw = random.Random(seed)
    read = 0
    for _ in range(500):
        (tmp_path / MANIFEST).write_bytes(mutated(whole, draw))
        try:
            manifest, _ = read_manifest(tmp_path)
        except EngineError as error:
            assert str(error).isprintable() and len(str(error)) < len(str(tmp_path)) + 1000
        else:
            read += 1
            assert manifest.spec.rate > 0
    assert 10 < read < 400
