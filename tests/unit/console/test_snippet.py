"""The preview cuts where a search engine cuts."""

from __future__ import annotations

from growth_pipelines.console.snippet import cut, pixels, snippet


def test_the_breadcrumb_is_the_path_in_steps():
    shown = snippet("https://www.hotrodparts.example/products/an-6-hose", "A", "B")
    assert shown.breadcrumb == "https://www.hotrodparts.example › products › an-6-hose"
    assert shown.host == "hotrodparts.example"


def test_a_title_that_fits_is_shown_whole():
    title = "AN-6 PTFE Fuel Line Kit, 20 ft with 10 Fittings | E85 Safe"
    shown = snippet("https://a.example/", title, "")
    assert (shown.title, shown.title_cut) == (title, False)


def test_a_wide_title_is_cut_at_a_word_although_it_is_short_in_characters():
    title = "WWWWWWWWW MMMMMMMMM WWWWWWWWW MMMMMMMMM WWWWWWW"
    shown = snippet("https://a.example/", title, "")
    assert shown.title_cut
    assert shown.title.endswith("WWWWWWWWW …")
    assert pixels(shown.title, 20) <= 600


def test_a_single_long_word_is_kept_rather_than_lost():
    assert cut("W" * 200, 20, 600)[0].startswith("W" * 200)
