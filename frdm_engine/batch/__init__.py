"""Several shots in one run: lists of shots, devices side by side, failures passed over, everything on the record."""
