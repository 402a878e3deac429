"""Model families and the streaming layers they are made of: torch modules that obey `models.contract`."""
