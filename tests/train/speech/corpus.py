"""AMI's csvs in small, as its reader finds them."""

from __future__ import annotations

import gzip
from pathlib import Path

from train.speech.ami import FOLDER

HEADERS = {
    "words.csv.gz": "meeting,speaker,start,end,kind,text",
    "dialogue_acts.csv.gz": "meeting,speaker,start,end,act,addressee,text",
    "handGesture.csv": "meeting,speaker,start,end,type,comment",
    "headGesture.csv": "meeting,speaker,start,end,type,form,comment",
    "movement.csv": "meeting,speaker,start,end,type,comment",
    "focus.csv": "meeting,speaker,start,end,type,place,role,nxt_agent,comment",
}


def write_corpus(data: Path, **rows: list[str]) -> Path:
    """Writes AMI's files, each of ``rows`` named like its file, into the folder ``data`` and returns it."""
    folder = data / FOLDER
    folder.mkdir(exist_ok=True, parents=True)
    for name, header in HEADERS.items():
        text = "\n".join([header, *rows.get(name.partition(".")[0], [])]) + "\n"
        whole = text.encode()
        (folder / name).write_bytes(gzip.compress(whole) if name.endswith(".gz") else whole)
    return data
