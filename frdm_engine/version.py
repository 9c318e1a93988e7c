"""The version of this code, stated here and nowhere else."""

__version__ = "0.1.0"
