"""What a restoration did, to be looked at: a page and data for each shot, and an index page for a reel."""

from frdm_engine.report.making import write
from frdm_engine.report.names import data_path, page_path, record_path
from frdm_engine.report.reel import write_reel

__all__ = ["data_path", "page_path", "record_path", "write", "write_reel"]
