"""The report of any evaluation: text, JSON, card and page; the page escapes what it shows and fetches nothing."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from tests.train.report.toy import HOSTILE, METRICS, document, evaluation
from train.report.evaluation import Evaluation
from train.report.parts import Picture, Plot
from train.report.plots import coloured, confusion, grid
from train.report.tables import Metric, cell, plain


@pytest.fixture(scope="module")
def measured() -> Evaluation:
    return evaluation()


class Tags(HTMLParser):
    """The tags of a page, and the text of each kind."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[str] = []
        self.text: dict[str, list[str]] = {}
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append(tag)
        if tag not in ("meta", "img", "path", "use"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        while self.open and self.open.pop() != tag:
            pass

    def handle_data(self, data: str) -> None:
        self.text.setdefault(self.open[-1] if self.open else "", []).append(data)


def test_a_cell_has_its_interval_unless_there_is_none() -> None:
    values = np.concatenate([[0.5], np.linspace(0.0, 1.0, 101)])
    metric = METRICS[0]
    assert str(cell(values, metric)) == "0.5 [0.0, 1.0]"
    assert str(cell(values, Metric("x", "x", "t", "x", 2))) == "0.50 [0.03, 0.97]"  # 2.5 % and 97.5 %
    assert str(cell(values, METRICS[2])) == "0" and str(cell(values * np.nan, metric)) == "-"
    assert str(cell(np.ones(101), metric)) == "1.0"  # nothing varies
    assert plain(np.array([[1.0, np.nan]])) == [[1.0, None]] and plain(1 / 3) == 0.333333


def test_the_text_has_tables_sections_and_sentences(measured: Evaluation) -> None:
    lines = document(measured).text().splitlines()
    assert lines[0].endswith("; [95 % bootstrap interval over hands]")
    assert "Eyes: how many?" in lines and "Nothing" not in lines and "Extra" in lines
    start = lines.index("Eyes: how many?")
    assert lines[start + 1].split() == ["mean", "/", "truth", "most"]
    assert re.fullmatch(r"truth +3\.\d \[3\.\d, 3\.\d\] +1\.00 +6", lines[start + 2])
    assert lines.index("Extra") < lines.index("eight hands are few.")


def test_json_and_card_hold_the_metrics(measured: Evaluation, tmp_path: Path) -> None:
    document(measured, more={"published": 1}).write(tmp_path / "new")
    content = json.loads((tmp_path / "new" / "report.json").read_text(), parse_constant=pytest.fail)
    assert content["settings"] == {
        "throws": 30,
        "seed": 0,
        "bootstrap": {"over": "hands", "draws": 1000, "level": 0.95},
    }
    assert content["definitions"]["most"] == "highest throw" and content["published"] == 1
    row = content["rows"]["loaded"]
    assert row["metrics"]["never"] == {"value": None, "interval": [None, None]} and row["groups"] == 8
    low, high = row["metrics"]["mean"]["interval"]
    assert low < row["metrics"]["mean"]["value"] < high and len(row["curves"]["bins"]) == 7
    assert set(content["sections"]["extra"]["rows"]) == {"loaded", HOSTILE}
    card = (tmp_path / "new" / "report.md").read_text().splitlines()
    assert card[2] == "| | mean | / truth |" and card[3] == "|---|---|---|"
    assert card[4].startswith("| truth | 3.") and "- eight hands are few." in card


def test_no_name_gets_into_the_page_as_markup(measured: Evaluation) -> None:
    found = document(measured, first=[Picture(b"GIF89a", HOSTILE, "image/gif")])
    html = found.html()
    tags = Tags(html)
    assert "script" not in tags.seen and HOSTILE not in html
    assert html.count("&lt;script&gt;") >= 8  # heading, sentence, table, its hints, caption, footnote, definitions
    assert any(HOSTILE in text for text in tags.text["td"]) and any(HOSTILE in text for text in tags.text["figcaption"])
    assert any(HOSTILE in text for text in tags.text["li"]) and any(HOSTILE in text for text in tags.text["p"])


def test_the_page_shows_everything_and_fetches_nothing(measured: Evaluation) -> None:
    def drawn() -> list[Plot]:
        drawing = grid(2, 3.0, 2.0)
        confusion(drawing.axes[0], measured.truth.confusions["parity"], ("even", "odd"), HOSTILE)
        return [Plot("Dots", drawing.finished(), "here")]

    found = document(measured, first=[Picture(b"\xff\xd8", "a picture")], plots=drawn)
    html = found.html()
    tags = Tags(html)
    assert {"table", "svg", "img", "figure"} <= set(tags.seen) and "script" not in tags.seen
    addresses = re.findall(r"""(?:src|href)=["']([^"']{0,20})""", html)
    assert addresses and all(address.startswith(("data:image/", "#")) for address in addresses)
    assert "@import" not in html and "url(http" not in html and not tags.open
    assert tags.text["h2"] == ["Conclusions", "Eyes: how many?", "Dots", "Extra", "Pictures", "Definitions"]
    assert any("won by cheating" in text for text in tags.text["li"]) and '<li class="bad">loaded' in html
    assert found.html() == html  # no date, no counter


def test_rows_keep_their_colours(measured: Evaluation) -> None:
    named = {row.name: colour for row, colour in coloured(measured.results, {HOSTILE: "#1f77b4"})}
    assert named["truth"] == "#111111" and named[HOSTILE] == "#1f77b4" != named["loaded"]
