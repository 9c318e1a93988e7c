"""What the documentation tells to type and no test can run, with the reason. `frdm` in it is parsed all the same."""

from __future__ import annotations

UNRUNNABLE = {
    r"python3\.11 -m venv ": "fetches every dependency from a package index; .ci/run does it",
    r"python -m pip download ": "fetches from a package index",
    r"pip wheel ": "fetches from a package index",
    r"(.*/)?pip install ": "fetches from a package index",
    r"frdm install nuke --wheels ": "needs the wheels that the line above fetches; tests/install has some",
    r"frdm install engine --read ": "services have a /tmp of their own, where this folder lies; tests/install does it",
    r"frdm install nuke --folder /studio": "needs wheels for other systems; tests/install has some",
    r"frdm restore --shots ": "stands for a list of one's own; tests/batch has some",
    r"(deadline|deadlinecommand|cuecmd|tractor-spool) ": "needs a farm's queue",
    r"frdm report clean ": "needs what a farm has made; tests/report has it",
    r"accelerate launch ": "needs several GPUs; tests/training/test_accelerate.py runs it on the CPU",
    r"frdm scout ": "takes an hour and footage with damage to mend; tests/cli/test_scout.py runs it in small",
    r"frdm bench ": "takes hours and the benchmark's footage; tests/cli/test_bench.py runs it in small",
    r"nuke -": "needs Nuke; tests/host_nuke runs the same script in a stand-in",
    r"frdm-resolve ": "needs DaVinci Resolve; tests/host_resolve runs it in a stand-in",
}
"""Starts of commands, as regular expressions."""

NEVER = (
    r"(.*[\s/])?(sudo|su|systemctl|systemd-\w+|launchctl|sc|nssm|podman|docker|ssh|scp|mount|dnf|apt|apt-get)\s.*"
    r"|.*\s--(system|all-users)\b.*"
)
"""What would change the machine, not the user's own folders."""

UNRUNNABLE_PYTHON = {
    "frdm_nuke": "needs Nuke; tests/host_nuke runs the same calls in a stand-in",
}
"""Modules that cannot be imported here."""

IN_SMALL = {
    r"(?<![\w./~])/(shows?|media|studio|mnt|nfs|farm|opt)/?(?=[\w/\s\"':]|$)": r"{folder}/\1/",
    r"1001-1048": "1001-1004",
    r"--minutes \d+ --total-minutes \d+": (
        "--minutes 0.001 --total-minutes 0.001 --log-every 1 --device cpu --workers 0"
    ),
}
"""What is put in the place of what: folders at the root lie below the prepared one, ranges and trainings are short."""
