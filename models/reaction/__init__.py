"""The learned listener: a face tokenizer and a predictor of ids from the partner's voice and face."""

from models.reaction.config import CONFIGS, Group, ReactionConfig
from models.reaction.model import Reaction, build
from models.reaction.tokenizer import FaceTokenizer

__all__ = ["CONFIGS", "FaceTokenizer", "Group", "Reaction", "ReactionConfig", "build"]
