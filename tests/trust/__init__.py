"""Proofs over the whole product: isolation, attacks, overload and faults, all on real sockets."""
