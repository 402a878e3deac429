"""Talks for every family that learns from speech: sound, words with their times, stresses, and AMI's people.

Nothing here knows a model family. :mod:`train.speech.talks` gives talks; the rest are its parts, each of use alone:
AMI's annotations, synthetic voices, alignment of a known text, and where the stressed syllables are.
"""
