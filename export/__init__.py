"""Model to bundle: export a model's step to ONNX, prove it equal to the model on real recordings, write the bundle."""
