from holdfast_activities.memory.finding.query import Query

NOW = 1_700_000_000.0


def test_the_words_of_a_time_are_looked_for_only_where_there_are_no_others() -> None:
    assert Query.read("Which concert in May 2023?", NOW).terms == ("concert",)
    assert "2023" in Query.read("What was in May 2023?", NOW).terms


def test_a_speaker_is_asked_about_by_the_whole_name_or_a_part() -> None:
    query = Query.read("Where does Ann live?", NOW)
    assert query.asked_about(["Ann", "Ben"]) == {"Ann"}
    assert query.asked_about(["Ann Lee", "Ben"]) == {"Ann Lee"}
    assert Query.read("Where will she go?", NOW).asked_about(["Will"]) == frozenset()
    assert Query.read("where does ann live", NOW).asked_about(["Ann"]) == {"Ann"}


def test_names_are_left_out_of_the_terms_unless_nothing_is_left() -> None:
    query = Query.read("Where does Ann Lee work?", NOW)
    assert query.without_names(["Ann Lee"]).terms == ("work",)
    assert [unit.whole for unit in Query.read("Ann", NOW).without_names(["Ann"]).units] == ["ann"]


def test_a_query_is_put_in_the_first_person() -> None:
    def put(text: str) -> str:
        return Query.read(text, NOW).in_first_person("Ann")

    assert put("Where does Ann live?") == "Where do I live?"
    assert put("What is Ann's dog called?") == "What is my dog called?"
    assert put("When is Ann coming?") == "When am I coming?"
    assert put("Did Ann sell her car?") == "Did I sell my car?"
    assert put("Did Annette sell it?") == "Did Annette sell it?"


def test_questions_of_when_are_known() -> None:
    assert Query.read("When did Ann move?", NOW).asks_when
    assert Query.read("What year was that?", NOW).asks_when
    assert not Query.read("Where did Ann move?", NOW).asks_when
