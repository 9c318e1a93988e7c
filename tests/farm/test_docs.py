"""docs/farm.md says what the template and the commands are."""

from __future__ import annotations

import re

import yaml  # type: ignore[import-untyped]
from typer.core import TyperGroup
from typer.main import get_command

from frdm_engine.cli.app import app
from tests.farm.nodes import ROOT, TEMPLATE

PAGE = (ROOT / "docs" / "farm.md").read_text(encoding="utf-8")


def test_every_parameter_of_the_template_is_told() -> None:
    table = PAGE.partition("## Open Job Description")[2].partition("AWS Deadline Cloud:")[0]
    told = set(re.findall(r"`([A-Z][A-Za-z]+)`", table))
    assert told == {one["name"] for one in yaml.safe_load(TEMPLATE.read_text())["parameterDefinitions"]}


def test_the_template_calls_frdm_with_options_that_it_has() -> None:
    group = get_command(app)
    assert isinstance(group, TyperGroup)
    farm = group.commands["farm"]
    assert isinstance(farm, TyperGroup)
    step, last = yaml.safe_load(TEMPLATE.read_text())["steps"]
    assert last["dependencies"] == [{"dependsOn": step["name"]}]
    environment = step["stepEnvironments"][0]["script"]["actions"]
    runs = [one["script"]["actions"]["onRun"] for one in (step, last)]
    for action in (environment["onEnter"], environment["onExit"], *runs):
        assert action["cancelation"]["mode"] == "NOTIFY_THEN_TERMINATE"
        assert action["args"][0] == "farm"
        command = farm.commands[action["args"][1]]
        known = {option for parameter in command.params for option in parameter.opts}
        given = [word.partition("=")[0] for word in action["args"][2:] if word.startswith("--")]
        assert set(given) <= known
        assert len(given) == len(set(given))


def test_codes_of_a_task_are_those_of_its_help() -> None:
    table = PAGE.partition("| code | when |")[2].partition("\n\n")[0]
    codes = re.findall(r"^\| (\d+) \|", table, re.MULTILINE)
    source = (ROOT / "frdm_engine/cli/farm.py").read_text(encoding="utf-8")
    said = source.partition("Exit codes: ")[2].partition('"""')[0]
    assert re.findall(r"\d+", said) == codes
