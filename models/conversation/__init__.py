"""The avatar that talks and listens: own voice, the partner's voice and face in; face and upper body out."""

from models.conversation.model import Conversation, build

__all__ = ["Conversation", "build"]
