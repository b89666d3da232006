"""Names of statuses and resolutions are compared as people read them."""

import pytest

from mlc.ticketing.names import folded, is_listed


@pytest.mark.parametrize(
    "seen",
    [
        "Won\u2019t Do",
        "won't do",
        "WON\u02bcT DO",
        "Won\u00b4t Do",
        "Won\uff07t Do",
        "Wont do",
        "Won't\u00a0Do",
        "  Won't   Do\t",
        "Won't\u200b Do",
        "\uff37on't Do",
    ],
)
def test_apostrophes_case_blanks_and_unicode_form_make_no_difference(seen: str) -> None:
    assert folded(seen) == folded("Won't Do")
    assert is_listed(["Done", "Won't Do"], seen)


def test_letters_do_make_a_difference_however_alike() -> None:
    assert folded("No se har\u00e1") == folded("No se hara\u0301") != folded("No se hara")
    assert not is_listed(["Done"], "Not Done", "Undone", "D\u00f6ne")
    assert folded("STRASSE") == folded("Straße")


@pytest.mark.parametrize("seen", ["ONAYLANDI", "onayland\u0131", "Onaylandi"])
def test_the_case_of_turkish_letters_makes_no_difference(seen: str) -> None:
    assert folded(seen) == folded("Onayland\u0131")
    assert folded("\u0130PTAL") == folded("iptal") == folded("IPTAL")


def test_nothing_is_on_no_list() -> None:
    assert not is_listed(["", "'", " "], "", "\u2019", "\u200b")
    assert not is_listed([], "Done")
    assert is_listed(["10101"], "No se har\u00e1", "10101")
