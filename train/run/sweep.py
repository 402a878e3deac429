"""A sweep over settings: Optuna draws from the ranges of a file, every trial is a run of its own, kept and continued.

A setting is a fixed value, a list of choices, or ``{low: , high: , log: true}``.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import logging
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from engine.errors import EngineError
from train.run.resume import refuse_used
from train.run.settings import RunSettings, default, settings_of

STUDY = "sweep.db"
RESULTS = "sweep.json"
Kinds = Mapping[str, type]
log = logging.getLogger(__name__)


def sweep(
    args: argparse.Namespace,
    kind: type[RunSettings],
    values: Mapping[str, Any],
    train: Callable[[Any, Path], float],
) -> None:
    """``args.sweep`` trials into folders of ``args.out``; the best are told and written to ``sweep.json``.

    ``train`` runs settings of ``kind`` into a folder and gives the loss. With ``--resume`` the trials of an earlier
    session count. Raises :class:`EngineError` for a range that is none."""
    try:
        import optuna
    except ImportError as error:
        raise EngineError("optuna is not installed, a sweep needs it: pip install -e '.[train]'") from error
    kinds = {field.name: type(default(field)) for field in dataclasses.fields(kind)}
    ranged = {name: value for name, value in values.items() if isinstance(value, dict) or _choices(name, value, kinds)}
    if not ranged:
        raise EngineError("a sweep needs a range in --settings, such as `rate: {low: 0.0005, high: 0.005, log: true}`")
    settings_of(kind, {name: value for name, value in values.items() if name not in ranged})
    for name, value in ranged.items():
        _check(name, value, kinds)
    if args.sweep < 1:
        raise EngineError(f"--sweep {args.sweep}: give at least 1 trial")
    if not args.resume:
        refuse_used(args.out)
    args.out.mkdir(parents=True, exist_ok=True)
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(
        study_name="sweep",
        storage=f"sqlite:///{args.out / STUDY}",
        load_if_exists=args.resume,
        sampler=optuna.samplers.TPESampler(seed=0),
    )

    def objective(trial: Any) -> float:
        drawn = {name: _draw(trial, name, value, kinds[name]) for name, value in ranged.items()}
        log.info(f"trial {trial.number}: {json.dumps(drawn)}")
        return train(settings_of(kind, {**values, **drawn}), args.out / f"trial_{trial.number:03d}")

    done = len(study.get_trials(states=(optuna.trial.TrialState.COMPLETE,)))
    study.optimize(objective, n_trials=max(0, args.sweep - done))
    rows = [
        {"trial": trial.number, "loss": trial.value, **trial.params}
        for trial in sorted(study.trials, key=lambda each: (each.value is None, each.value))
    ]
    (args.out / RESULTS).write_text(json.dumps(rows, indent=1) + "\n", "utf-8")
    for row in rows[:5]:
        print(json.dumps(row))


def _choices(name: str, value: Any, kinds: Kinds) -> bool:
    """Whether a list offers choices, rather than being a setting's value (a tuple)."""
    return isinstance(value, list) and kinds.get(name) is not tuple


def _check(name: str, value: Any, kinds: Kinds) -> None:
    if name not in kinds:
        raise EngineError(f"no setting {name!r}; there is {', '.join(kinds)}")
    if isinstance(value, list) and value:
        return
    if isinstance(value, dict) and value.keys() <= {"low", "high", "log"} and kinds[name] in (int, float):
        try:
            if float(value["low"]) < float(value["high"]) and (not value.get("log") or float(value["low"]) > 0):
                return
        except (KeyError, TypeError, ValueError):
            pass
    raise EngineError(f"{name}: {value!r} is no range; give a list of choices, or low, high and log of a number")


def _draw(trial: Any, name: str, value: Any, kind: type) -> Any:
    if isinstance(value, list):
        return trial.suggest_categorical(name, value)
    if kind is int:
        return trial.suggest_int(name, int(value["low"]), int(value["high"]), log=bool(value.get("log")))
    return trial.suggest_float(name, float(value["low"]), float(value["high"]), log=bool(value.get("log")))
