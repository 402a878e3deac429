"""Who moves in a take, which takes are the same recording, and in which split a person is.

A person is on one side of a split only. Known are CMU's numbers: the first part of a take's name, and for
``shared_salsa`` 60 and 61 (always together), ``shared_indian`` (one folder, taken for one person) and
``shared_martial`` (one of its takes is CMU's 135_06). Of the ``conv_*`` takes only the activity is told; found here:

- by comparing the directions of limbs of all takes on the uniform body over time: eleven are takes that are here under
  a number too (:data:`COPIES`). Of those the one whose rig keeps its bones is kept, with the fuller note;
- they are in the order of CMU's numbers: ``walking_13`` is 08_02, ``walking_19`` is 12_01, and some have the length of
  trials of 07. So subjects 05 to 12 that walk are with those takes.

What cannot be known: who runs, jumps, directs traffic, washes windows and gives signals in the ``conv_*`` takes. All
but the signals and the windows are in train; signals (subjects 26 to 32, 40 or 41 by CMU's list, none of which is here)
validate together with the windows (13, 14 or 15: a person of train or test may be there). Nobody but one person climbs,
dribbles, does karate or dances salsa: those train, and the test has none of it. The test has walks, runs, bends and
swordplay (02), soccer (11), exercises (14), cartwheels (49), whirls (55), jumps with turns (91), Indian dance (94),
walks and hops (131).
"""

from __future__ import annotations

COPIES = {
    "05_01": "conv_train_walking_2",
    "06_02": "conv_train_basketball_1",
    "06_03": "conv_train_basketball_2",
    "06_04": "conv_train_basketball_3",
    "06_05": "conv_train_basketball_4",
    "06_06": "conv_train_basketball_5",
    "10_01": "conv_train_soccer_1",
    "10_03": "conv_train_soccer_3",
    "11_01": "conv_test_soccer_1",
    "conv_train_walking_13": "08_02",
    "conv_train_walking_19": "12_01",
    "conv_train_walking_4": "07_01",
    "shared_cmu_05_20_modern_dance": "05_20",
    "shared_martial_06": "135_06",
}
"""Takes that are the same recording as another, which is kept."""
FULLER = {
    "conv_train_basketball_1": "basketball - forward dribble",
    "conv_train_basketball_2": "basketball - forward dribble",
    "conv_train_basketball_3": "basketball - forward dribble",
    "conv_train_basketball_5": "basketball - backward dribble",
}
"""Notes of kept takes that the copy tells better."""
_FOLDERS = {
    "shared_salsa": "60+61",
    "shared_martial": "135",
    "shared_indian": "94",
    "conv_train_basketball_signal": "signals",
    "conv_train_basketball": "06",
    "conv_test_basketball": "06",
    "conv_train_soccer": "10",
    "conv_test_soccer": "11",
    "conv_test_washwindow": "windows",
    "conv_train_directing_traffic": "traffic",
    "conv_train_jumping": "jumpers",
    "conv_test_jumping": "jumpers",
    "conv_train_running": "runners",
    "conv_test_running": "runners",
    "conv_train_walking_1": "02",
    "conv_train_walking_34": "02",
}
_WALKERS = "walkers"
SPLIT = {
    "02": "test",
    "11": "test",
    "14": "test",
    "49": "test",
    "55": "test",
    "91": "test",
    "94": "test",
    "131": "test",
    "09": "val",
    "10": "val",
    "signals": "val",
    "windows": "val",
}
"""The people that do not train."""


def person(name: str) -> str:
    """Who moves in a take, as far as is known; couples and unknown people of an activity are one."""
    if name in _FOLDERS:
        return _FOLDERS[name]
    if name.startswith("conv_") and "_walking_" in name:
        return _WALKERS
    folder = name.rsplit("_", 1)[0]
    return _FOLDERS.get(folder, name.split("_")[0])


def split_of(name: str) -> str:
    """The split of a take: ``train``, ``val`` or ``test``."""
    return SPLIT.get(person(name), "train")
