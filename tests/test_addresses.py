"""Addresses in sentences: where a system is, and nothing that must not be shown."""

import pytest

from mlc.model.address import origin

UNREADABLE = "an unreadable address"


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://desk.example.org/rest?token=secret#x", "https://desk.example.org"),
        ("https://ada:secret@desk.example.org:8443/x", "https://desk.example.org:8443"),
        ("http://Desk.example.org:80", "http://desk.example.org"),
        ("http://[::1]:8092/x", "http://[::1]:8092"),
        *(
            (url, UNREADABLE)
            for url in ("", "nonsense", "http://", "http://x:port", "http://[::1", "//x", "http://a\x07b/")
        ),
    ],
)
def test_an_address_is_shown_without_path_and_credentials(url: str, shown: str) -> None:
    assert origin(url) == shown
