"""``card.md``: what a bundle is, for people, written from its spec, its model's own words and what was measured."""

from __future__ import annotations

import math
from pathlib import Path

from engine.bundle import Bundle
from engine.errors import reason
from engine.spec import StreamSpec
from export.errors import ExportError


def card(bundle: Bundle, parity: str, more: str = "") -> str:
    """Markdown of a bundle; ``parity`` is the text of the ladder as printed, ``more`` sections in its own words."""
    spec = bundle.spec
    sections = [
        f"# {bundle.name} {bundle.version}",
        bundle.description,
        *([more] if more else []),
        "## What it does, frame by frame",
        _facts(bundle),
        "## Inputs",
        _inputs(spec),
        "## Outputs",
        _outputs(spec),
        "## Equality with its source model",
        f"```\n{parity}\n```",
        "## Origin",
        "\n".join(
            [
                f"- Licence: {bundle.licence}",
                f"- Training data: {bundle.training_data}",
                f"- Credits: {bundle.credits}",
                f"- Made by `{bundle.command}` at source revision {bundle.commit}",
            ]
        ),
    ]
    return "\n\n".join(section.strip() for section in sections) + "\n"


def notes(path: Path | None) -> str:
    """The text of a Markdown file for the card; :class:`ExportError` where it cannot be read."""
    if path is None:
        return ""
    try:
        return path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ExportError(
            f"--notes {path} cannot be read ({reason(error)}); give a Markdown file or leave it out"
        ) from error


def _facts(bundle: Bundle) -> str:
    spec = bundle.spec
    memory = "recurrent: it forgets gradually" if spec.memory is None else f"{spec.memory} frames"
    audio = f"{spec.sample_rate} Hz, {spec.hop} samples a frame" if spec.sample_rate else "none"
    floats = sum(math.prod(item.shape) for item in spec.state.values())
    return "\n".join(
        [
            f"- Rate: {spec.rate:g} frames a second",
            f"- Look-ahead: {spec.lookahead} frames ({1000 * spec.lookahead / spec.rate:g} ms)",
            *(
                [f"- Decided together: {spec.quantum} frames ({1000 * spec.quantum / spec.rate:g} ms)"]
                * (spec.quantum > 1)
            ),
            f"- Memory: {memory}; {floats} numbers of state a session",
            f"- Audio: {audio}",
            *_texts(bundle),
            *(f"- Operators: {remark}" for remark in bundle.remarks()),
        ]
    )


def _texts(bundle: Bundle) -> list[str]:
    lines = [
        f"- Text `{name}`: read by {item.onnx} and {item.tokenizer}, {item.tokens} tokens at most"
        for name, item in bundle.encoders.items()
    ]
    return lines + ([f"- Words: numbered by {bundle.vocabulary}"] if bundle.vocabulary else [])


def _inputs(spec: StreamSpec) -> str:
    rows = ["| name | role | of | shape | range | where missing | unit | about |", "|---|---|---|---|---|---|---|---|"]
    for item in spec.inputs:
        bounds = f"{item.low:g} to {item.high:g}"
        about = [item.about, f"follows {item.follows}" if item.follows else ""]
        about.append(f"at most {item.speed:g} {item.unit}/s" if math.isfinite(item.speed) else "")
        rows.append(
            f"| {item.name} | {item.role} | {item.of} | {_shape(item.shape)} | {bounds} | {item.missing:g} | "
            f"{item.unit} | {'; '.join(filter(None, about))} |"
        )
    return "\n".join(rows)


def _outputs(spec: StreamSpec) -> str:
    rows = ["| name | codec | shape | units | channels |", "|---|---|---|---|---|"]
    for item in spec.outputs:
        units = ", ".join(dict.fromkeys(item.units))
        channels = ", ".join(item.names) if len(item.names) <= 8 else f"{item.names[0]} ... {item.names[-1]}"
        rows.append(f"| {item.name} | {item.codec} | {_shape(item.shape)} | {units} | {channels} |")
    return "\n".join(rows)


def _shape(shape: tuple[int, ...]) -> str:
    return " x ".join(map(str, shape)) or "1"
