"""Diffs are read word by word, so whole words change and nothing is lost."""

from __future__ import annotations

from growth_pipelines.console.words import Piece, change_in_words, compare_words


def test_a_replaced_word_is_shown_as_removed_then_added():
    assert compare_words("AN Size Chart", "AN Fitting Chart") == [
        Piece("same", "AN "),
        Piece("removed", "Size"),
        Piece("added", "Fitting"),
        Piece("same", " Chart"),
    ]


def test_a_replaced_phrase_is_one_change_and_not_one_for_each_word():
    kinds = [piece.kind for piece in compare_words("buy cheap old parts now", "buy fine new hoses now")]
    assert kinds == ["same", "removed", "added", "same"]


def test_an_unset_text_is_all_added():
    assert compare_words("", "20 ft of hose") == [Piece("added", "20 ft of hose")]


def test_part_numbers_are_single_words():
    changed = [piece.text for piece in compare_words("fits AN-6 lines", "fits AN-8 lines") if piece.kind != "same"]
    assert changed == ["AN-6", "AN-8"]


def test_a_change_of_case_alone_is_a_change():
    pieces = compare_words("inline fuel filter", "Inline Fuel Filter")
    assert "".join(piece.text for piece in pieces if piece.kind == "added") == "Inline Fuel Filter"


def test_the_summary_counts_words():
    assert change_in_words("AN Size Chart", "AN Fitting Size Chart in Inches") == "0 words out, 3 words in"
    assert change_in_words("one", "two") == "1 word out, 1 word in"


def test_a_full_stop_that_both_texts_happen_to_hold_does_not_cut_a_change_in_two():
    pieces = compare_words("Product information.", "Adapter to M16x1.5, black. Billet.")
    assert [piece.kind for piece in pieces] == ["removed", "added"]
