"""``python -m export MODEL [CHECKPOINT] OUT``: a model becomes a bundle, or is refused with the reason.

``python -m export shipped`` makes the bundles of the engine again (:mod:`export.shipped`), ``python -m export encoder``
the files by which a bundle reads texts (:mod:`export.encoders`).

The new bundle is written beside ``OUT`` and takes its place only after it has passed the parity ladder.
"""

from __future__ import annotations

import argparse
import dataclasses
import functools
import inspect
import shutil
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import torch

from engine import logs
from engine.bundle import MANIFEST, STEP, Bundle, OnnxFile
from engine.bundle.fillable import check_fillable
from engine.errors import EngineError
from export import precision
from export.card import card, notes
from export.encoders.command import ENCODER, encoder
from export.errors import ExportError
from export.parity import MARGIN, Rung, climb
from export.progress import stage
from export.recording import recording
from export.revision import require_clean, revision
from export.shipped import SHIPPED, shipped
from export.step import OPSET, Graph, to_onnx
from export.texts import Encoder, Texts, encoders_from, texts_of
from export.weights import from_bundle
from models import registry
from models.contract import StreamModel
from models.graph import Origin
from models.sampling import AutoregressiveModel, TeacherForced

PRECISION = "fp32"
TENSORRT = f"  {'tensorrt':30} not available: an engine is built on the machine that runs it, and no builder exists yet"


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit code 0 when the bundle stands, 1 when parity failed, 2 when something was refused."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    options = argparse.Namespace()
    run = functools.partial(shipped, given[1:], main)
    if given[:1] == [ENCODER]:
        run = functools.partial(encoder, given[1:])
    elif given[:1] != [SHIPPED]:
        options = _parser().parse_args(given)
        run = functools.partial(export, options)
    with logs.set_up(options):
        try:
            return run()
        except EngineError as error:
            logs.refused("export", error)
            return 2


def export(options: argparse.Namespace) -> int:
    """Export, climb the ladder and put the bundle in place; as :func:`main`, but refusals are raised."""
    out: Path = options.out
    if options.require_clean:
        require_clean()
    if out.exists() and not (out / MANIFEST).is_file() and (not out.is_dir() or any(out.iterdir())):
        raise ExportError(f"{out} exists and is no bundle; give another folder")
    if options.checkpoint is not None and options.training_data is None:
        raise ExportError("--training-data is missing: say what the checkpoint was trained on, for the manifest")
    more = notes(options.notes)
    torch.set_num_threads(1)
    model = _opened(options.model, options.checkpoint)
    texts = texts_of(model, encoders_for(model, options))
    with stage(f"{model.spec.name}: tracing its step to ONNX"):
        graph = to_onnx(model, options.opset, Origin.of(options.model, model).to_dict())
    kinds = ", ".join(f"{kind} {count}" for kind, count in graph.nodes.items())
    print(f"{model.spec.name}: {sum(graph.nodes.values())} nodes, {len(graph.content)} bytes, opset {graph.opset}")
    print(f"  {kinds}", flush=True)

    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{out.name}.", dir=out.parent) as scratch:
        folder = Path(scratch) / out.name
        described = _describe(folder, model, graph, texts, options)
        check_fillable(dataclasses.replace(described, path=out))
        bundle = described.write(graph.content, "being made\n", texts.files)
        rungs, header, lower = _ladder(model, bundle, Path(scratch), options)
        report = "\n".join([header, *(_line(rung, model.spec.rate) for rung in rungs), *lower, TENSORRT])
        print(report, flush=True)
        broken = [rung.name for rung in rungs if rung.broken is not None]
        if broken:
            logs.refused("export", ExportError(f"{', '.join(broken)}: beyond the tolerance; no bundle was written"))
            return 1
        measured = {rung.name: rung.largest for rung in rungs}
        bundle = dataclasses.replace(bundle, parity=measured)
        bundle = bundle.write(graph.content, card(bundle, report, more), texts.files)
        if out.exists():
            shutil.rmtree(out)
        folder.rename(out)
    print(f"wrote {out}: {', '.join(sorted(item.name for item in out.iterdir()))}")
    return 0


def _opened(name: str, checkpoint: Path | None) -> StreamModel:
    """The model, with the weights of a checkpoint or of a bundle that was made of one."""
    if checkpoint is not None and (checkpoint / MANIFEST).is_file():
        return from_bundle(name, checkpoint)
    return registry.create(name, checkpoint)


def encoders_for(model: StreamModel, options: argparse.Namespace) -> dict[str, Encoder]:
    """The encoders of ``--encoder``, else of the bundle that is exported again, for the texts that the model reads."""
    again = options.checkpoint is not None and (options.checkpoint / MANIFEST).is_file()
    which = options.encoder or (options.checkpoint if again else None)
    return encoders_from(which, model.spec.texts) if model.spec.texts and which is not None else {}


def _ladder(
    model: StreamModel, bundle: Bundle, scratch: Path, options: argparse.Namespace
) -> tuple[list[Rung], str, list[str]]:
    """The rungs that must hold, what they were measured on, and lines about the lower precisions."""
    inputs, source = recording(model.spec, options.seconds, options.seed)
    frames = next(iter(inputs.values())).shape[0]
    with stage(f"{model.spec.name}: parity", frames) as advance:
        rungs, hidden = climb(model, bundle, inputs, options.tolerance, advance), None
    if isinstance(model, AutoregressiveModel):
        # Ids hide the logits behind them: the network is compared as a stream of its own, given its previous ids.
        network = TeacherForced(model).eval()
        with stage(f"{model.spec.name}: tracing its network to ONNX"):
            graph = to_onnx(network, options.opset)
        texts = texts_of(model, encoders_for(model, options))
        described = _describe(scratch / "logits", network, graph, texts, options)
        hidden = described.write(graph.content, "not kept\n", texts.files)
        forced, _ = recording(network.spec, options.seconds, options.seed)
        with stage(f"{model.spec.name}: parity of its logits", frames) as advance:
            for rung in climb(network, hidden, forced, options.tolerance, advance):
                rungs.append(dataclasses.replace(rung, name=f"logits, {rung.name}"))
    header = (
        f"largest difference from the model step by step, over {frames} frames ({frames / model.spec.rate:.0f} s) of "
        f"{source}\nrelative to max(1, |value|), pixels to max(100, |value|); "
        f"tolerance {options.tolerance:g}, margin of a tie {MARGIN:g}"
    )
    with stage(f"{model.spec.name}: in 8 bits, for comparison", frames) as advance:
        return rungs, header, precision.report(model, bundle, hidden, inputs, scratch, advance)


def _line(rung: Rung, rate: float) -> str:
    worst = ", ".join(f"{name} {value:.1e}" for name, value in rung.worst.items())
    line = f"  {rung.name:30} {worst or 'nothing compared'}"
    if rung.ties:
        line += f"; {len(rung.ties)} ties, first at frame {rung.ties[0]} ({rung.ties[0] / rate:.2f} s)"
    if rung.broken is not None:
        cause = "too many ties" if rung.ties and rung.ties[-1] == rung.broken else "differs"
        what = ", ".join(f"{name} by {value:.1e}" for name, value in rung.beyond.items())
        line += f"; FAILED at frame {rung.broken} ({rung.broken / rate:.2f} s): {cause}: {what}"
    return line


def _describe(folder: Path, model: StreamModel, graph: Graph, texts: Texts, options: argparse.Namespace) -> Bundle:
    """The manifest's fields. A model class may say ``card`` (a text), ``licence``, ``data`` and ``credits``."""
    words = inspect.cleandoc(getattr(model, "card", "") or type(model).__doc__ or "")
    named = [options.model, *([options.checkpoint.name] if options.checkpoint else []), options.out.name]
    return Bundle(
        path=folder,
        name=options.name or options.out.name,
        version=options.version,
        spec=model.spec,
        onnx=OnnxFile(STEP, graph.opset, graph.ir, PRECISION),
        licence=options.licence or getattr(model, "licence", "unknown"),
        description=words,
        training_data=options.training_data or getattr(model, "data", "none"),
        credits=options.credits or getattr(model, "credits", "none"),
        command=f"python -m export {' '.join(named)}",
        commit=revision(),
        tolerance={f"onnx_{PRECISION}": options.tolerance},
        encoders=texts.encoders,
        vocabulary=texts.vocabulary,
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m export", description=inspect.cleandoc(__doc__ or ""))
    parser.add_argument("model", help=f"one of: {', '.join(registry.models())}")
    parser.add_argument("checkpoint", nargs="?", type=Path, help="weights: a file that training wrote, or a bundle")
    parser.add_argument("out", type=Path, help="folder of the bundle; an older bundle there is replaced")
    parser.add_argument("--name", help="name of the bundle (default: that of the folder)")
    parser.add_argument("--version", default="0.1.0", help="version of the bundle (default 0.1.0)")
    parser.add_argument("--licence", help="licence of the bundle (default: what the model says)")
    parser.add_argument("--training-data", help="what the checkpoint was trained on; needed with a checkpoint")
    parser.add_argument("--encoder", type=Path, help="what reads texts: a folder of `export encoder`, or a bundle")
    parser.add_argument("--notes", type=Path, help="Markdown for the card: how it was trained, how it was measured")
    parser.add_argument("--credits", help="credits that the data ask for (default: what the model says)")
    parser.add_argument("--opset", type=int, default=OPSET, help=f"ONNX opset (default {OPSET})")
    parser.add_argument("--tolerance", type=float, default=1e-4, help="largest difference accepted (default 1e-4)")
    parser.add_argument("--seconds", type=float, default=60.0, help="length of the recording compared (default 60)")
    parser.add_argument("--seed", type=int, default=0, help="seed of what no recording holds: noise, controls, ids")
    parser.add_argument(
        "--require-clean", action="store_true", help="refuse a source tree with changes that no commit holds"
    )
    logs.add_arguments(parser)
    return parser


if __name__ == "__main__":
    sys.exit(main())
