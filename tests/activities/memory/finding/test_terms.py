from holdfast_activities.memory.finding import terms


def test_stop_words_and_case_do_not_count() -> None:
    assert terms("Where is the Violin?") == terms("a VIOLIN")


def test_common_forms_of_a_word_are_one_term() -> None:
    for forms in (
        "hike hikes hiked hiking",
        "plan plans planned planning",
        "city cities",
        "carry carries carried carrying",
        "adopt adopted adoption",
        "buy bought buys buying",
        "child children",
        "move moved moving moves",
        "box boxes",
        "teach taught teaches teaching",
    ):
        assert len(set(terms(forms))) == 1, forms


def test_different_words_stay_apart() -> None:
    assert len(set(terms("bus business university universe stadium state organ organise"))) == 8


def test_numbers_and_names_are_terms() -> None:
    assert terms("Order B12 of 1,200 for Ann's aunt") == ["order", "b12", "1200", "ann", "aunt"]


def test_accents_are_removed_and_other_scripts_stay() -> None:
    assert terms("Müller") == terms("MULLER")
    assert terms("дом стоит") == ["дом", "стоит"]
    assert terms("हिन्दी") == ["हिन्दी"]


def test_chinese_japanese_and_korean_become_pairs_of_characters() -> None:
    assert terms("東京都へ") == ["東京", "京都", "都へ"]
    assert terms("茶") == ["茶"]
    assert terms("iPhone东京") == ["iphon", "东京"]


def test_a_term_is_letters_and_digits_only() -> None:
    assert all(term.isalnum() for term in terms("e-mail me_at x@y.org, it's 'quoted' (50%) – ok?"))


def test_a_text_of_stop_words_has_no_terms() -> None:
    assert terms("What was that, and why?") == []
    assert terms("") == []
