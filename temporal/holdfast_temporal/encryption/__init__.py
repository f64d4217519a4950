"""Encryption of payloads: keys, the codec, and the key file.

keyring      keys by id, reloaded when their file changes
key_file     the text form of a keyring, and changing it
references   reading what ``file:`` and ``env:`` name
codec        payloads to encrypted payloads and back
refusing     payloads that are refused, for the converter to raise
"""
