"""Several agents, or many sessions of one.

methods       the methods of the client
fleets        start, find and list fleets
fleet         a handle for one fleet
fleet_items   the items of a fleet: read, rendered and stored in chunks
fleet_result  the result of one item
fleet_requests  the request that starts one
"""
