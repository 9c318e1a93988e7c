"""What the doctor runs in processes of their own; each prints what it learns as it learns it."""

TOLERANCE = 0.02
"""How far a device's sum may be from the CPU's, of the largest value: GPUs round to TF32 unless told not to."""
