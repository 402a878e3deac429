"""How good text-to-motion models are: beside held-out takes, as they are served, and as tokenizers."""
