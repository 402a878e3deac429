"""The viewer: draws the engine's avatar from its numbers, live in a window or into a video file."""
