"""All checks, in the order in which a person would look, each within its time."""

from __future__ import annotations

import threading
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial

from frdm_engine.doctor import hosts, inputs, installed, machine, places, python, service, trial
from frdm_engine.doctor.child import end_all
from frdm_engine.doctor.finding import Asked, Finding, Status, failure
from frdm_engine.errors import SettingError

GRACE_S = 5.0
"""What a check may take longer than the process that it waits for."""


@dataclass(frozen=True)
class Check:
    """One look. It is left out where one of `needs` failed: the cause is named once."""

    name: str
    look: Callable[[Asked], Finding]
    needs: tuple[str, ...] = ()


@dataclass
class Examination:
    """An examination: run it once with `findings`, which also fills `unmade`, the checks that were left out."""

    asked: Asked
    quick: bool = False
    only: tuple[str, ...] = ()
    unmade: list[str] = field(default_factory=list)

    def checks(self) -> Iterator[Check]:
        """The checks for what was asked."""
        yield Check("Python", python.python)
        yield Check("FRDM's files", python.installation)
        yield Check("packages", python.packages)
        yield Check("modules", python.modules)
        yield Check("imports", python.imports)
        yield Check("driver", machine.driver)
        yield Check("torch", machine.torch)
        yield Check("device", machine.device, ("torch",))
        yield Check("device memory", machine.device_memory, ("torch", "device"))
        yield Check("host memory", machine.host_memory)
        yield Check("model", inputs.model)
        yield Check("OCIO config", inputs.colour)
        yield Check("temporary files", places.temporary)
        yield Check("engine's home", places.home)
        yield Check("keys", places.keys)
        yield Check("socket folder", places.runtime)
        for folder in self.asked.read:
            yield Check(f"read {folder}", partial(places.to_read, folder=folder))
        for folder in self.asked.write:
            yield Check(f"write {folder}", partial(places.to_write, folder=folder))
        yield Check("connection file", service.connection, ("imports",))
        yield Check("engine", service.engine, ("imports", "connection file"))
        if self.asked.listen:
            yield Check("port", service.port)
        yield Check("engine's unit", installed.service)
        for folder in self.asked.farm:
            yield Check(f"farm {folder}", partial(installed.farm, folder=folder))
        yield Check("host modules", installed.host_modules)
        yield Check("Nuke", hosts.nuke)
        yield Check("Resolve", hosts.resolve)
        if not self.quick:
            yield Check("restoration", trial.restoration, ("imports", "torch", "device", "model", "temporary files"))

    def findings(self) -> Iterator[Finding]:
        """What each check finds, as it is found.

        Raises:
            SettingError: `only` names a check that there is not.
        """
        checks = list(self.checks())
        names = [check.name for check in checks]
        unknown = [name for name in self.only if name not in names]
        if unknown:
            raise SettingError(f"--only {unknown[0]!r} is no check; choose of {', '.join(names)}.")
        failed: set[str] = set()
        for check in checks:
            if self.only and check.name not in self.only:
                continue
            if failed.intersection(check.needs):
                failed.add(check.name)
                self.unmade.append(check.name)
                continue
            if check.name == "engine" and not service.has_engine(self.asked):
                continue  # there is none, which the connection file's line has said
            finding = _within(check.name, partial(check.look, self.asked), limit_s=self.asked.limit_s + GRACE_S)
            if finding.status is Status.FAILURE:
                failed.add(check.name)
            yield finding


def _within(name: str, look: Callable[[], Finding], *, limit_s: float) -> Finding:
    """A finding in any case: a folder on a dead server may hold a look for ever, and a bug must not hide the rest."""
    found: list[Finding] = []
    # Not the thread itself: a join that is interrupted takes it for ended (Python 3.11).
    done = threading.Event()

    def go() -> None:
        try:
            found.append(look())
        except Exception as error:  # noqa: BLE001 - told as what it is; the checks after it are made all the same
            where = traceback.extract_tb(error.__traceback__)[-1]
            said = f"this check broke down: {type(error).__name__}: {error} ({where.name}, line {where.lineno})"
            found.append(failure(name, said, "report it with `frdm doctor --bundle FILE.zip`"))
        finally:
            done.set()

    threading.Thread(target=go, name=f"frdm-doctor {name}", daemon=True).start()
    try:
        done.wait(limit_s)
    except BaseException:
        # Told to stop: what the look has made is removed first.
        end_all()
        done.wait(GRACE_S)
        raise
    if found:
        return found[0]
    return failure(
        name, f"nothing came of it within {limit_s:g} s", "look for a network folder or a device that does not answer"
    )
