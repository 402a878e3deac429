"""The viewer: draws the engine's avatar, face or body, from its numbers, live in a window or into a video file."""
