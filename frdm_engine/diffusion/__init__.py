"""Schedule, sampling and noise of the bridge; knows nothing of the network."""

from frdm_engine.diffusion.noise import gaussian
from frdm_engine.diffusion.sampling import bridge_state, sample_euler
from frdm_engine.diffusion.schedule import NOISE, scheduler, sigmas

__all__ = ["NOISE", "bridge_state", "gaussian", "sample_euler", "scheduler", "sigmas"]
