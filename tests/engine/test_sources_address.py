"""Addresses are told apart from paths, and nobody reads the password in one."""

from __future__ import annotations

import pytest

from engine.sources.address import is_address, shown


@pytest.mark.parametrize(
    "text", ["rtsp://10.0.0.5/live", "http://localhost:8080/?x", "HTTPS://a", "srt://a:9", " rtmp://a/b ", "udp://@:1"]
)
def test_an_address_has_a_scheme(text: str) -> None:
    assert is_address(text)


@pytest.mark.parametrize("text", ["a.mp4", "/dev/video0", "C:\\film.mp4", "C:/film.mp4", "://a", "http://", "", "0"])
def test_a_path_is_none(text: str) -> None:
    assert not is_address(text)
    assert shown(text) == text


def test_a_files_address_is_none_either() -> None:
    assert not is_address("file:///a.mp4")


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("rtsp://10.0.0.5:554/live/1", "rtsp://10.0.0.5:554/live/1"),
        ("rtsp://anna:topsecret@10.0.0.5/live", "rtsp://10.0.0.5/live"),
        ("rtsp://anna:top@secret@10.0.0.5/live", "rtsp://10.0.0.5/live"),
        ("rtsp://anna:topsecret/1@10.0.0.5/live", "rtsp://10.0.0.5/live"),
        ("http://topsecret@cam:80", "http://cam:80"),
        ("http://cam/video?user=anna&password=topsecret", "http://cam/video?..."),
        ("http://anna:topsecret?@cam/video", "http://cam/video"),
        ("rtsp://cam/user=anna&password=topsecret&channel=1", "rtsp://cam/user=anna&password=...&channel=1"),
        ("rtsp://[::1]:554/@one", "rtsp://[::1]:554/@one"),
        ("http://cam:8080/@one/live", "http://cam:8080/@one/live"),
    ],
)
def test_what_people_read_holds_no_password(text: str, read: str) -> None:
    assert "topsecret" not in shown(text)
    assert shown(text) == read
