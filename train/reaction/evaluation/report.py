"""What the report of a listeners' evaluation says, beside what every report says."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from train.reaction.evaluation import challenge, criteria, plots
from train.reaction.evaluation.measures import METRICS, TABLES
from train.reaction.evaluation.rows import LAG_S, SHIFT_S
from train.reaction.evaluation.run import CueMoment, Listening
from train.reaction.evaluation.scene import MERGE_S, NEAR_S, NOD_CUES, NOD_WINDOW_S, SMILE_CUES, SMILE_WINDOW_S, Scene
from train.reaction.evaluation.timing import DRAWS
from train.report import events, filmstrip, hazard
from train.report.criteria import conclusions
from train.report.document import Document
from train.report.filmstrip import Heads
from train.report.intervals import LEVEL
from train.report.parts import Note, Part, Picture, Plot
from train.simulate.talk import FPS, HOP

CARD: tuple[str, ...] = ("nod_matched", "smile_matched", "hazard_cues_share", "hazard_phrases_share", "nods")
CARD += ("nods_cue_free", "nods_silence", "blinks", "gaze_away", "look_short", "drift")
CARD += ("jerk_rotation", "jerk_face", "nod_band")
"""Metrics of the short table."""
PLACES = {"cued": "near a cue", "cue_free": "cue-free speech", "silence": "silence"}


def document(evaluation: Listening) -> Document:
    """The report of the evaluation."""
    return Document(
        name="Listener evaluation",
        question="Does it look like someone who listens?",
        heading=heading(evaluation),
        over="voices" if evaluation.told else "chats",
        evaluation=evaluation,
        metrics=METRICS,
        tables=TABLES,
        card=CARD,
        conclusions=conclusions(
            evaluation,
            criteria.data(evaluation),
            criteria.criteria(evaluation),
            lambda row: criteria.remarks(evaluation, row),
        ),
        settings=settings(evaluation),
        more={"published": challenge.REFERENCE},
        footnotes=[footnote(evaluation)],
        rules=[
            f"An event answers a cue from {NOD_WINDOW_S[0]:g} to {NOD_WINDOW_S[1]:g} s (nods) or "
            f"{SMILE_WINDOW_S[0]:g} to {SMILE_WINDOW_S[1]:g} s (smiles) around it; one event answers one cue; cues "
            f"less than {MERGE_S:g} s apart are one. Speech is cue-free, and silence is silence, more than "
            f"{NEAR_S:g} s from any cue.",
            "Matched: a row's events are brought to the truth's rate before scoring, some thrown away at random where "
            f"it has more, the missing ones drawn at random moments where it has fewer; the mean of {DRAWS} draws.",
            f"Hazards: nods a minute by time since a moment, from {hazard.FROM_S:g} to {hazard.UNTIL_S:g} s in bins of "
            f"{hazard.BIN_S:g} s, each counted for the nearest moment before and after it; their distance is the root "
            "mean square over the bins, less what chance makes of so few voices and events.",
            f"The lagged mime is {LAG_S:g} s late.",
        ],
        plots=lambda: [
            *_hazard(evaluation),
            Plot(
                "Speed spectra", plots.spectra(evaluation), "Head rotation; expression weights without lids and eyes."
            ),
            Plot("Blink intervals", plots.blinks(evaluation)),
        ],
        filmstrips=lambda: filmstrips(evaluation),
    )


def _hazard(evaluation: Listening) -> list[Part]:
    """The plot of nods around cues and ends of phrases, where those are known."""
    if not evaluation.told:
        return []
    shaded = f"Shaded: the truth's {100 * LEVEL:g} % interval."
    return [Plot("When nods become likelier", plots.hazards(evaluation), shaded)]


def heading(evaluation: Listening) -> str:
    """What was measured, in one line."""
    minutes = sum(scene.seconds for scene in evaluation.scenes) / 60.0
    references = sum(len(scene.references) for scene in evaluation.scenes)
    places = ", ".join(
        f"{words} {sum(scene.nod_masks[place].sum() for scene in evaluation.scenes) / FPS / 60.0:.1f}"
        for place, words in PLACES.items()
    )
    who, where = ("voices", f" ({places})") if evaluation.told else ("chats", "")
    return (
        f"{len(evaluation.scenes)} talks of {len(evaluation.voices)} {who}, {minutes:.1f} min{where}, "
        f"{references} reference listeners, {evaluation.samples} samples, seed {evaluation.seed}"
    )


def footnote(evaluation: Listening) -> str:
    """How to read the challenge's table, with its published values."""
    right = " to ".join(str(count) for count in sorted({min(evaluation.right), max(evaluation.right)}))
    published = "; ".join(
        f"{name} {frc:g} / {frd:g} / {frdvs:g} / {frvar:g} / {frdiv:g} / {frsyn:g}"
        for name, frc, frd, frdvs, frvar, frdiv, frsyn in challenge.REFERENCE
    )
    other = "other data" if evaluation.told else "of all clips of a split, of this year's set or another's"
    return (
        f"FRC and FRD are sums over {evaluation.samples} samples (a perfect FRC is {evaluation.samples}, less for each "
        f"constant channel; published values sum 10 samples), over {len(evaluation.clips)} clips of "
        f"{evaluation.clips[0].frames} frames, each held against {right} appropriate listener(s), a redraw not against "
        f"itself. FRVar, FRDvs and FRDiv are largest for noise. Published on REACT2024 (FRC / FRD / FRDvs / FRVar / "
        f"FRDiv / FRSyn): {published}. Those are {other}: do not rank against them."
    )


def settings(evaluation: Listening) -> dict[str, Any]:
    """The choices behind the metrics."""
    return {
        "samples": evaluation.samples,
        "voices": evaluation.voices,
        "talks": [
            {
                "talk": scene.talk.name,
                "voice": scene.voice,
                "seconds": scene.seconds,
                "references": scene.references,
                "others": scene.others,
                "nod_cues": len(scene.nod_cues),
                "smile_cues": len(scene.smile_cues),
                "minutes": {place: mask.sum() / FPS / 60.0 for place, mask in scene.nod_masks.items()},
            }
            for scene in evaluation.scenes
        ],
        "nod_cues": NOD_CUES,
        "nod_window_s": NOD_WINDOW_S,
        "smile_cues": SMILE_CUES,
        "smile_window_s": SMILE_WINDOW_S,
        "merge_s": MERGE_S,
        "near_s": NEAR_S,
        "lag_s": LAG_S,
        "shift_s": SHIFT_S,
        "matched_draws": DRAWS,
        "hazard_edges_s": hazard.EDGES.tolist(),
        "drift_s": events.DRIFT_S,
        "clips": evaluation.clips,
    }


def filmstrips(evaluation: Listening) -> list[Part]:
    """Ten seconds around some cues: the speaker, and the heads of every row under it."""
    parts: list[Part] = [
        Note(
            f"Heads every {filmstrip.HEAD_EVERY / FPS:g} s. Traces: head pitch (blue, a nod dips), smile (orange). "
            "Marks: nods, smiles and blinks (grey) as counted.",
            "Filmstrips",
        )
    ]
    for moment in evaluation.moments:
        scene, cue = evaluation.scenes[moment.scene], moment.cue
        face = scene.speaker().face[moment.start : moment.start + moment.frames]
        bands = [Heads("speaker", face, loudness(scene, moment))]
        answers = ((row.name, evaluation.faces[row.name].get(moment)) for row in evaluation.results)
        bands += [Heads(name, answer) for name, answer in answers if answer is not None]
        sheet = filmstrip.sheet(bands, FPS, (cue.time_s * FPS - moment.start) / moment.frames)
        caption = (
            f"{moment.frames / FPS:g} s around a {cue.kind}{' cue' if scene.talk.told else ''} at {cue.time_s:.1f} s, "
            f"the red line, of talk {scene.talk.name} ({scene.voice})"
        )
        parts.append(Picture(filmstrip.jpeg(sheet), caption))
    return parts


def loudness(scene: Scene, moment: CueMoment) -> NDArray[np.floating]:
    """Loudness of the speaker's voice per frame, 0 to 1 over 40 dB."""
    pcm = scene.pcm()[moment.start * HOP : (moment.start + moment.frames) * HOP].reshape(-1, HOP)
    decibels = 10.0 * np.log10((pcm.astype(float) ** 2).mean(1) + 1e-10)
    return np.asarray(np.clip((decibels + 55.0) / 40.0, 0.0, 1.0))
