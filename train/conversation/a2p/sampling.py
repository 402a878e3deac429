"""Samples for a split's windows: lips, faces, or poses by way of the guide; written as ``results.npy``.

For a pose: what is heard -> tokens of the guide -> the codec's poses, one a second -> the diffusion. Without a guide
the true poses of each second stand in their place (and the folder's name ends without one). Sound is encoded once for
a window, whatever the repetitions and steps. What is drawn follows from (seed, repetition, window) alone.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from engine.errors import EngineError
from train.conversation.a2p.batches import Crop, Source, Take, windows
from train.conversation.a2p.denoiser import Given, Keys
from train.conversation.a2p.diffusion import Diffusion, Predict, guided, stride_of
from train.conversation.a2p.guide import Heard
from train.conversation.a2p.hearing import standardised
from train.conversation.a2p.layout import FPS, HOP, PersonFolder, Scene, Yaw
from train.conversation.a2p.models import A2PModel, CodecModel, DiffusionModel, GuideModel, LipModel, load, seconds_of
from train.conversation.a2p.results import write_results
from train.conversation.a2p.sound import recorded
from train.run.progress import progress

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Order:
    """What to sample: ``samples`` windows of ``frames`` frames of a split of the person's folder ``data`` (None: all of
    them; the trained segment), or the whole of a recording ``sound``; ``batch`` windows at a time."""

    model: Path
    out: Path
    data: Path | None = None
    sound: Path | None = None
    guide: Path | None = None
    codec: Path | None = None
    partner: Path | None = None
    yaw: Yaw = "auto"
    split: str = "test"
    samples: int | None = None
    repetitions: int = 1
    frames: int | None = None
    respacing: str = "ddim100"
    guidance: float = 10.0
    top_p: float = 0.94
    seed: int = 10
    batch: int = 4
    device: str = "cpu"


class Guides:
    """Draws a pose each second for a model of poses. Raises :class:`EngineError` where guide and codec do not fit."""

    def __init__(self, order: Order) -> None:
        if order.guide is None or order.codec is None:
            raise EngineError("--guide and --codec go together: the guide draws tokens of the codec; give both")
        self.guide = cast(GuideModel, load(order.guide, "guide")).to(order.device)
        self.codec = cast(CodecModel, load(order.codec, "codec")).to(order.device)
        if self.guide.config.codec != self.codec.fingerprint:
            raise EngineError(f"{order.guide} draws tokens of another codec than {order.codec}; give that one")
        self.top_p = order.top_p

    def hear(self, rows: Tensor, seconds: int) -> Heard:
        """What the guide makes of sound, once for windows (B)."""
        every = torch.ones(len(rows), dtype=torch.bool, device=rows.device)
        return self.guide.net.hear(self.guide.hearing(rows), every, self.guide.known(seconds))

    def draw(self, heard: Heard, draws: Tensor) -> Tensor:
        """Poses (B, K, 104) in radians, by numbers (B, K * depth) in 0..1."""
        ids = self.guide.net.generate(heard, draws, self.top_p)
        return self.codec.restored(self.codec.net.poses(ids.unflatten(1, (-1, self.guide.net.depth))))


class Sampler:
    """Samples motions of a model for batches of windows."""

    def __init__(self, order: Order) -> None:
        self.order = order
        self.model = load(order.model, "lips", "face", "pose").to(order.device)
        wants_guide = self.model.config.stage == "pose"
        if not wants_guide and (order.guide or order.codec):
            raise EngineError(f"--guide and --codec are for poses; leave them out for stage {self.model.config.stage}")
        self.guides = Guides(order) if order.guide or order.codec else None
        if not 0 < order.top_p <= 1:
            raise EngineError(f"--top-p {order.top_p:g}: give a number above 0, up to 1")
        if not order.guidance >= 0:
            raise EngineError(f"--guidance {order.guidance:g}: give 0 or more; 1 is the condition alone")
        for name in ("repetitions", "batch"):
            if getattr(order, name) < 1:
                raise EngineError(f"--{name} {getattr(order, name)}: give 1 or more")
        stride_of(order.respacing, self.model.config.diffusion_steps)

    def rows(self, model: A2PModel, crops: Sequence[Crop]) -> Tensor:
        """Rows of sound of windows as a model hears them."""
        assert model.ears is not None
        stats, found = model.person.stats, []
        for crop in crops:
            heard = model.ears.rows(standardised(crop.take.scene, stats, crop.first, crop.last))
            found.append(Crop(Take(crop.take.scene, heard), 0, crop.last - crop.first, crop.length).sound(model.ears))
        return torch.stack(found).to(self.order.device)

    @torch.no_grad()
    def windows(self, crops: Sequence[Crop], numbers: Sequence[int]) -> list[dict[str, Tensor]]:
        """For each repetition ``motions`` (B, T, F) in their own units and, for poses, ``keyframes`` (B, K, 104) of the
        windows, which have these ``numbers``."""
        frames, model, order = crops[0].length, self.model, self.order
        rows = self.rows(model, crops)
        if isinstance(model, LipModel):
            return [{"motions": model.net(rows, frames).cpu()}] * order.repetitions
        assert isinstance(model, DiffusionModel)
        heard = model.hear(rows, frames)
        seconds = seconds_of(frames) if model.net.guided else 0
        known = torch.tensor([crop.last - crop.first for crop in crops], device=rows.device)
        known = torch.arange(0, frames, FPS, device=rows.device) < known[:, None]
        nothing = model.net.nothing(len(crops), heard.shape[1], seconds)
        guide = None if self.guides is None else self.guides.hear(self.rows(self.guides.guide, crops), seconds)
        every = torch.ones(len(crops), dtype=torch.bool, device=rows.device)
        given = None if model.net.guided else model.net.given(heard, every)
        made = []
        for repetition in range(order.repetitions):
            chances = [_generator(order.seed, repetition, number) for number in numbers]
            found: dict[str, Tensor] = {}
            if model.net.guided:
                keys = self._keys(crops, guide, chances, seconds)
                found["keyframes"] = keys.cpu()
                given = model.net.given(heard, every, Keys(model.standard(keys), known))
            assert given is not None
            noise = torch.stack([torch.randn(frames, model.features, generator=chance) for chance in chances])
            predict = guided(self._predict(given), self._predict(nothing), order.guidance)
            clean = Diffusion(model.config.diffusion_steps).sample(predict, noise.to(rows.device), order.respacing)
            made.append(found | {"motions": model.restored(clean).cpu()})
        return made

    def _keys(
        self, crops: Sequence[Crop], guide: Heard | None, chances: Sequence[torch.Generator], seconds: int
    ) -> Tensor:
        """Poses (B, K, 104) each second: the guide's, or the truth."""
        if self.guides is None or guide is None:
            true = [torch.from_numpy(crop.take.scene.poses(crop.first, crop.last)[::FPS]) for crop in crops]
            padded = [functional.pad(keys, (0, 0, 0, seconds - len(keys))) for keys in true]
            return torch.stack(padded).to(self.order.device)
        count = seconds * self.guides.guide.net.depth
        draws = torch.stack([torch.rand(count, generator=chance) for chance in chances])
        return self.guides.draw(guide, draws.to(self.order.device))

    def _predict(self, given: Given) -> Predict:
        net = cast(DiffusionModel, self.model).net
        return lambda x, step: net(x, step, given)


def sample(order: Order) -> Path:
    """Sample and write; the file. Raises :class:`EngineError`."""
    sampler = Sampler(order)
    model = sampler.model
    crops = _crops(order, model.config.segment)
    count = len(crops)
    if model.config.stage == "pose" and sampler.guides is None:
        if order.sound is not None:
            raise EngineError("a recording has no true poses to guide the samples; give --guide and --codec")
        log.info("no --guide is given: the true poses of each second guide the samples")
    if model.config.stage == "face" and model.config.lips is None:
        log.info(f"{order.model} was trained without lips: what it hears of them is zeros")
    known = order.sound is None
    if isinstance(model, LipModel):  # the published data have no lips
        known = known and all(crop.take.scene.lips is not None for crop in crops)
    parts: list[list[dict[str, Tensor]]] = [[] for _ in range(order.repetitions)]
    for first in progress(range(0, count, order.batch), f"{order.repetitions} x {count} windows"):
        numbers = range(first, min(first + order.batch, count))
        for repetition, found in enumerate(sampler.windows(crops[first : first + order.batch], numbers)):
            parts[repetition].append(found)
    return write_results(order.out / folder_name(order, model, sampler.guides), _results(parts, crops, model, known))


def _crops(order: Order, segment: int) -> list[Crop]:
    """The windows that are asked for."""
    if (order.data is None) == (order.sound is None):
        raise EngineError("give either --data PERSON or --sound WAV")
    if order.data is None:
        assert order.sound is not None
        scenes: Sequence[Scene] = [recorded(order.sound)]
        frames = scenes[0].frames if order.frames is None else order.frames
    else:
        scenes = PersonFolder(order.data, order.partner, order.yaw).split(order.split)
        frames = segment if order.frames is None else order.frames
    if frames < 2:
        raise EngineError(f"{frames} frames: give --frames 2 or more, of a recording as long")
    crops = windows([Take(scene, None) for scene in scenes], frames)
    count = len(crops) if order.samples is None else order.samples
    if not 1 <= count <= len(crops):
        raise EngineError(f"--samples {count}: there are {len(crops)} windows of {frames} frames; give 1 to as many")
    return crops[:count]


def _results(
    parts: Sequence[Sequence[dict[str, Tensor]]], crops: Sequence[Crop], model: A2PModel, known: bool
) -> dict[str, Any]:
    """The dictionary of ``results.npy``; without ``gt`` where the truth is not ``known``."""
    every = [batch for repetition in parts for batch in repetition]
    lengths = np.array([crop.last - crop.first for crop in crops])
    sound = np.zeros((len(crops), crops[0].length * HOP, 2), np.float32)
    for row, crop in zip(sound, crops, strict=True):
        heard = crop.take.scene.audio(crop.first, crop.last)
        row[: len(heard)] = heard
    repeat = len(parts)
    motions = torch.cat([batch["motions"] for batch in every]).numpy()
    found: dict[str, Any] = {
        "motions": motions.transpose(0, 2, 1)[:, :, None],
        "audio": np.tile(sound, (repeat, 1, 1)),
        "lengths": np.tile(lengths, repeat),
        "num_samples": len(crops),
        "num_repetitions": repeat,
    }
    if known:
        source = Source(model.config.stage, model.person.stats, None)
        truth = model.restored(source.batch(crops, 0)["target"].to(model.device)).cpu().numpy()
        truth *= (np.arange(truth.shape[1]) < lengths[:, None])[..., None]
        found["gt"] = np.tile(truth.transpose(0, 2, 1)[:, :, None], (repeat, 1, 1, 1))
    if "keyframes" in every[0]:
        found["keyframes"] = torch.cat([batch["keyframes"] for batch in every]).numpy()
    return found


def folder_name(order: Order, model: A2PModel, guides: Guides | None) -> str:
    """``samples_<model>_<step>_seed<seed>_<guide>``; a model is named by the folder of its run."""
    guide = (
        "" if guides is None or order.guide is None else f"guide_{_named(order.guide)}_{int(guides.guide.trained):07d}"
    )
    return f"samples_{_named(order.model)}_{int(model.trained):09d}_seed{order.seed}_{guide}"


def _named(path: Path) -> str:
    return path.resolve().parent.name


def _generator(*of: int) -> torch.Generator:
    return torch.Generator().manual_seed(int(np.random.SeedSequence(list(of)).generate_state(1)[0]))


def told(values: dict[str, float | None]) -> str:
    """Numbers as JSON, null where there is none."""
    plain = {name: value if value is not None and np.isfinite(value) else None for name, value in values.items()}
    return json.dumps(plain, indent=1)
