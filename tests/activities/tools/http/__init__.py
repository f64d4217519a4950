"""HTTP requests behind the egress guard, on real servers; the resolver and the network's far end are fake."""
