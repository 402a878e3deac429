"""Recordings of sessions: written as they go, replayed byte for byte, turned into other files."""
