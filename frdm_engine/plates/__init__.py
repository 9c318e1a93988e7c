"""Plates on disk: which frames there are, what a frame's file holds, its colours, and where shots end."""

from frdm_engine.plates.colour import ColourSpace, finite_mask, resolve
from frdm_engine.plates.images import read_mask, write_image
from frdm_engine.plates.plate import Plate, read_plate, write_plate
from frdm_engine.plates.sequence import Sequence, parse_frames
from frdm_engine.plates.shots import Shots, cut_score, find_cuts, is_cut, small_frame

__all__ = [
    "ColourSpace",
    "Plate",
    "Sequence",
    "Shots",
    "cut_score",
    "find_cuts",
    "finite_mask",
    "is_cut",
    "parse_frames",
    "read_mask",
    "read_plate",
    "resolve",
    "small_frame",
    "write_image",
    "write_plate",
]
