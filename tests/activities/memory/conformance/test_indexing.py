from holdfast_activities.memory import Filter, MemoryStore

from ..conftest import Stores
from .records import COLLECTION, OTHER, angle, embed, fact, ids


async def test_records_are_found_by_the_words_they_were_given_last(store: MemoryStore) -> None:
    await store.put("acme", [fact("a", "old", angle(10)), fact("b", "old", angle(20))])
    await store.touch("acme", ["a"], 7.0)
    await store.reword("acme", {"a": "new newer", "gone": "new"})
    assert ids(await store.by_words("acme", ["new"], Filter(), 5)) == ["a"]
    assert ids(await store.by_words("acme", ["old"], Filter(), 5)) == ["b"]
    [record] = await store.get("acme", ["a"])
    assert (record.words, record.used, record.vector is not None) == ("new newer", 7.0, True)
    assert await store.get("acme", ["gone"]) == []
    await store.reword("acme", {"a": ""})
    assert await store.by_words("acme", ["new"], Filter(), 5) == []
    await store.reword("nobody", {"a": "new"})
    assert await store.tenants() == ["acme"]


async def test_the_version_of_the_words_is_kept(stores: Stores) -> None:
    store = await stores.open()
    assert await store.indexing() == 0
    await store.begin(COLLECTION)
    assert await store.indexing() == 0
    await store.set_indexing(3)
    await store.put("acme", [fact("a", "word", angle(10))])
    await store.migrate(OTHER, embed)
    assert await store.indexing() == 3
    again = await stores.open()
    assert await again.indexing() == 3
