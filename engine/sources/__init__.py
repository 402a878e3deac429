"""Where audio and faces come from: microphone, camera, media files, and the built-in partner."""
