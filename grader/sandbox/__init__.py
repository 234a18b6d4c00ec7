"""Where student code runs: the fork server, its workers, and the wire to them."""
