"""The Weaviate store, beside what it shows in the conformance suite."""
