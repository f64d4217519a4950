"""Whether the state database is sound.

findings    what can be wrong
contents    every row can be decrypted and read, and rows agree with each other
"""
