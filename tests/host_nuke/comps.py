"""Scripts as artists build them, plates on disk for them, and what `frdm restore` makes of the same plates."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from frdm_engine.plates import Sequence
from frdm_engine.restore.restorer import Restorer
from frdm_engine.restore.settings import Settings
from frdm_engine.restore.stream import Job, run
from tests.host_nuke import standin
from tests.restore.on_disk import Planes, bits, load, save

HEIGHT, WIDTH = 32, 48
EXTRA = ("A", "Z", "crypto.u")


def planes(
    number: int, *, height: int = HEIGHT, width: int = WIDTH, kind: type = np.float16, extra: bool = False
) -> Planes:
    """A drifting texture with grain, blotches that last one frame, values under 0 and over 1."""
    coarse = np.random.default_rng(5).random((height // 8 + 2, width // 8 + 60, 3))
    texture = np.kron(coarse, np.ones((8, 8, 1)))
    picture = texture[:height, 2 * (number % 40) : 2 * (number % 40) + width] * 0.6 + 0.2
    rng = np.random.default_rng((number + 1000, 7))
    picture = picture + rng.normal(0, 0.01, picture.shape)
    for _ in range(4):
        y, x = rng.integers(0, height - 6), rng.integers(0, width - 6)
        picture[y : y + 4, x : x + 3] = rng.choice([0.02, 1.4])
    picture[0, :4], picture[1, :4] = -0.25, 6.5
    out: Planes = {name: picture[..., c].astype(kind) for c, name in enumerate("RGB")}
    if extra:
        out |= {name: rng.random((height, width)).astype(kind) for name in EXTRA}
    return out


def shoot(folder: Path, frames: Iterable[int], *, name: str = "plate", view: str = "", **options: Any) -> str:
    """Writes a plate and returns its pattern for a Read. `window` and `display` are EXR's (x, y) and (x, y, w, h)."""
    attributes: dict[str, Any] = {
        key: options.pop(key) for key in ("window", "display", "PixelAspectRatio") if key in options
    }
    place = folder / view if view else folder
    for number in frames:
        shifted = number + (500 if view == "right" else 0)
        save(place / (f"{name}.%04d.exr" % number), (planes(shifted, **options), dict(attributes)))
    return str(folder / ("%V" if view else "") / f"{name}.%04d.exr")


def expected(
    model: Path, source: str, out: Path, frames: Iterable[int], *, colourspace: str = "linear", **options: Any
) -> dict[int, Planes]:
    """What `frdm restore` makes of a plate, in this process."""
    wanted = tuple(frames)
    jobs: dict[str, Any] = {name: Sequence.find(options.pop(name)) for name in ("protect", "force") if name in options}
    cuts = options.pop("cuts", None)
    plate = Sequence.find(source)
    target = Sequence.output(out / "result.%07d.exr", frames=wanted, like=plate)
    matte = Sequence.output(out / "matte.%07d.exr", frames=wanted, like=plate)
    restorer = Restorer.from_pretrained(model, device="cpu", settings=Settings(**options))
    run(Job(plate, target, wanted, colourspace=colourspace, cuts=cuts, matte=matte, **jobs), restorer)
    return {number: load(target.path(number))[0][1] | opacity(matte.path(number)) for number in wanted}


def opacity(path: Path) -> Planes:
    """A matte's planes under the names they have in the layer `frdm`."""
    found = load(path)[0][1]
    return {name: plane for name, plane in found.items() if name != "A"} | {"frdm.opacity": found["A"]}


def same(one: npt.NDArray[Any], two: npt.NDArray[Any]) -> bool:
    """Bit for bit, kind included."""
    return one.dtype == two.dtype and one.shape == two.shape and bool(np.array_equal(bits(one), bits(two)))


Colours = Callable[[int], Planes]


class Comp:
    """A script with a plate, one FRDM node below it, and a Write below that."""

    def __init__(
        self, place: Path, source: str, *, first: int, last: int, connection: Path | None, saved: bool = True
    ) -> None:
        import nuke as running

        nuke: Any = running
        self.nuke = nuke
        self.place = place
        if saved:
            nuke.scriptSave(str(place / "comp.nk"))
        self.plate: Any = nuke.nodes.Read()
        self.plate["file"].fromUserText(f"{source} {first}-{last}")
        self.plate["raw"].setValue(True)
        self.node: Any = self.add(connection)

    def add(self, connection: Path | None, above: Any = None) -> Any:
        """Another FRDM node, below the plate unless told."""
        import frdm_nuke.node

        node: Any = frdm_nuke.node.create(inpanel=False)
        node.setInput(0, self.plate if above is None else above)
        node["start_engine"].setValue(False)
        if connection is not None:
            node["connection"].setValue(str(connection))
        return node

    def press(self, button: str, node: Any = None) -> None:
        """The artist presses a button."""
        standin.press((node or self.node)[button])

    def wait(self, *, seconds: float = 60.0) -> str:
        """Lets Nuke run until nothing is under way; returns the node's status."""
        import frdm_nuke.requests

        standin.loop.run_until(frdm_nuke.requests.queue.idle, seconds=seconds)
        standin.loop.drain()
        return str(self.node["status"].value())

    def restore(self, button: str = "restore_range") -> str:
        """Presses a button and waits for what comes of it."""
        self.press(button)
        return self.wait()

    def write(self, name: str = "out", above: Any = None, *, pixels: str = "half") -> Any:
        """A Write of all channels below the node."""
        write: Any = self.nuke.nodes.Write(file_type="exr", channels="all")
        write.setInput(0, self.node if above is None else above)
        write["file"].setValue(str(self.place / name / "%V.%07d.exr"))
        write["raw"].setValue(True)
        write["create_directories"].setValue(True)
        write["datatype"].setValue({"half": "16 bit half", "float": "32 bit float"}[pixels])
        return write

    def rendered(
        self, frames: Iterable[int], *, view: str = "main", name: str = "out", pixels: str = "half"
    ) -> dict[int, Any]:
        """Header and planes of each frame that leaves the node."""
        write, wanted = self.write(name, pixels=pixels), tuple(frames)
        for frame in wanted:
            self.nuke.execute(write, frame, frame, 1, [view])
        return {frame: load(self.place / name / (f"{view}.%07d.exr" % frame))[0] for frame in wanted}
