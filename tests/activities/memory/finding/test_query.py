from holdfast_activities.memory.finding.query import Query

NOW = 1_700_000_000.0


def test_words_of_a_date_are_terms_only_without_other_terms() -> None:
    assert Query.read("Which concert in May 2023?", NOW).terms == ("concert",)
    assert "2023" in Query.read("What was in May 2023?", NOW).terms


def test_a_speaker_is_named_by_the_full_name_or_a_part() -> None:
    query = Query.read("Where does Ann live?", NOW)
    assert query.speakers_named(["Ann", "Ben"]) == {"Ann"}
    assert query.speakers_named(["Ann Lee", "Ben"]) == {"Ann Lee"}
    assert Query.read("Where will she go?", NOW).speakers_named(["Will"]) == frozenset()
    assert Query.read("where does ann live", NOW).speakers_named(["Ann"]) == {"Ann"}


def test_names_are_removed_from_the_terms_unless_nothing_is_left() -> None:
    query = Query.read("Where does Ann Lee work?", NOW)
    assert query.without_names(["Ann Lee"]).terms == ("work",)
    assert [unit.whole for unit in Query.read("Ann", NOW).without_names(["Ann"]).units] == ["ann"]


def test_a_query_is_rewritten_in_the_first_person() -> None:
    def rewrite(text: str) -> str:
        return Query.read(text, NOW).in_first_person("Ann")

    assert rewrite("Where does Ann live?") == "Where do I live?"
    assert rewrite("What is Ann's dog called?") == "What is my dog called?"
    assert rewrite("When is Ann coming?") == "When am I coming?"
    assert rewrite("Did Ann sell her car?") == "Did I sell my car?"
    assert rewrite("Did Annette sell it?") == "Did Annette sell it?"


def test_questions_for_a_time_are_recognised() -> None:
    assert Query.read("When did Ann move?", NOW).asks_when
    assert Query.read("What year was that?", NOW).asks_when
    assert not Query.read("Where did Ann move?", NOW).asks_when
