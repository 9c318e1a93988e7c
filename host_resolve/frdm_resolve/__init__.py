"""FRDM in DaVinci Resolve: clips restored by the engine and placed beside their originals, in sync to the frame."""
