"""The codec server: decrypts payloads for the Temporal UI, for people who may see them.

server   the HTTP server
access   tokens, namespaces, origins and rates
"""
