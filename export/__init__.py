"""From a trained or rule model to a bundle that the engine serves."""
