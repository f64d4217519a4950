"""Rules for text from users and models: Unicode, nearest names, JSON of a model."""
