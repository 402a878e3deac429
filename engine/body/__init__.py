"""Bodies: skeletons, motion and the BVH format, as plain numpy; used by the engine, by training and by tests."""
