"""Restoring: a frame from its window (`restorer`), a whole sequence (`stream`), and its record (`ledger`)."""
