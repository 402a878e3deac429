"""Several listeners in one batch: each hears and sees its own partner, as it would alone."""

from __future__ import annotations

import numpy as np

from benchmarks.listen import Partner, listen, listeners
from engine.bundle import Bundle
from engine.channels import FACE
from engine.runtime import open_runtime
from engine.sources.demo import PARTNER
from engine.sources.media import MediaFile
from train.report import events

SECONDS = 12


def test_each_listener_has_its_partner_and_its_seed() -> None:
    bundle = Bundle.load("rules")
    blocks = [block.samples for block in MediaFile(PARTNER / "speech.flac").audio(bundle.spec.sample_rate)]
    said = np.concatenate(blocks)[: SECONDS * bundle.spec.sample_rate]
    smile = np.zeros((SECONDS * 25, 58), np.float32)
    smile[100:, [FACE["mouthSmileLeft"], FACE["mouthSmileRight"]]] = 0.8
    partners = [Partner(said), Partner(np.zeros_like(said), smile), Partner(said[: len(said) // 2]), Partner(said)]
    seeds = [3, 4, 3, 5]
    shown = listeners(open_runtime(bundle, rows=4), partners, seeds)["face"]
    assert shown.shape == (SECONDS * 25, 4, 58)
    alone = [
        listen(open_runtime(bundle), partner.pcm, partner.faces, seed=seed)["face"]
        for partner, seed in zip(partners[:2], seeds[:2], strict=True)
    ]
    for row, own in enumerate(alone):
        assert np.abs(shown[:, row] - own).max() < 1e-3
    rows = [shown[:, row] for row in range(4)]
    assert [bool(events.nods(face, 25.0)) for face in rows] == [True, False, True, True]
    assert [bool(events.smiles(face, 25.0)) for face in rows] == [False, True, False, False]
    half = SECONDS * 25 // 2
    assert np.array_equal(shown[:half, 0], shown[:half, 2]) and not np.allclose(shown[half:, 0], shown[half:, 2])
    assert not np.allclose(shown[:, 0], shown[:, 3]), "another seed is another listener"
