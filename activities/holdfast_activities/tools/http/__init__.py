"""HTTP requests of models, behind an egress guard.

targets     URLs: strict parsing, the allow list
addresses   IP addresses: which rule refuses one
backend     connections: resolve once, connect to that address, check the peer
exchange    one request and its response, within limits
body        responses' bodies: decompression within a limit, text
tool        the tool: redirects, credentials, the text for the model
"""
