from __future__ import annotations

from pathlib import Path

import pytest

from iotlab.emulator.catalogue import explain, list_scenarios, list_types
from iotlab.emulator.types import default_devices_dir, load_type, load_types
from iotlab.errors import ConfigError

WRONG = {
    "a misspelt key": (
        'unti = "Cel"\nsource = { kind = "constant", value = 1 }',
        "channels.temperature.unti",
        "unit",
    ),
    "an unknown source": ('source = { kind = "walks", mean = 1, spread = 1 }', "source.kind", "walk"),
    "a missing number": ('source = { kind = "walk", spread = 1 }', "channels.temperature.source.mean", ""),
    "a misspelt parameter": ('source = { kind = "walk", mean = 1, sprad = 1 }', "source.sprad", "spread"),
    "text for a number": ('source = { kind = "walk", mean = "warm", spread = 1 }', "source.mean", ""),
    "a number out of range": ('source = { kind = "sine", mean = 1, amplitude = 1, period_s = 0 }', "period_s", ""),
    "no source": ('unit = "Cel"', "channels.temperature.source", ""),
    "an unknown effect": (
        'source = { kind = "constant", value = 1 }\neffects = [{ kind = "nois", sigma = 1 }]',
        "effects[0].kind",
        "noise",
    ),
    "a unit that is not UCUM": ('unit = "°C"\nsource = { kind = "constant", value = 1 }', "unit", "Cel"),
    "a reference to nothing": ('source = { kind = "integral", of = "flwo", per_s = 1 }', "source.of", "flow"),
    "a kind of channel": ('kind = "text"\nsource = { kind = "constant", value = 1 }', "kind", ""),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_wrong_device_type_names_file_key_and_the_nearest_name(tmp_path: Path, case: str) -> None:
    channel, key, nearest = WRONG[case]
    file = tmp_path / "thing.toml"
    flow = '[channels.flow]\nsource = { kind = "constant", value = 1 }\n'
    file.write_text(f"{flow}[channels.temperature]\n{channel}\n")
    with pytest.raises(ConfigError) as raised:
        load_type(file)
    assert raised.value.place.file == str(file)
    assert key in raised.value.place.key
    assert raised.value.nearest == nearest


def test_broken_toml_names_the_line(tmp_path: Path) -> None:
    file = tmp_path / "thing.toml"
    file.write_text('title = "Thing"\nperiod_s = = 3\n')
    with pytest.raises(ConfigError) as raised:
        load_type(file)
    assert raised.value.place.line == 2


def test_a_misspelt_key_of_the_file_itself_is_named(tmp_path: Path) -> None:
    file = tmp_path / "thing.toml"
    file.write_text('[channel.flow]\nsource = { kind = "constant", value = 1 }\n')
    with pytest.raises(ConfigError, match="did you mean 'channels'"):
        load_type(file)


def test_an_unknown_convention_names_the_nearest(tmp_path: Path) -> None:
    file = tmp_path / "thing.toml"
    file.write_text('convention = "tasmotta"\n[channels.a]\nsource = { kind = "constant", value = 1 }\n')
    with pytest.raises(ConfigError, match="did you mean 'tasmota'"):
        load_type(file)


def test_a_file_that_is_not_utf_8_or_not_there_is_a_config_error(tmp_path: Path) -> None:
    file = tmp_path / "thing.toml"
    with pytest.raises(ConfigError, match="can't be read"):
        load_type(file)
    file.write_bytes(b'title = "\xff"\n')
    with pytest.raises(ConfigError, match="UTF-8"):
        load_type(file)


def test_a_directory_without_types_is_a_config_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no device type"):
        load_types(tmp_path)


def test_every_shipped_type_loads_and_can_be_explained() -> None:
    rows = list_types()
    assert {row.name for row in rows} == {file.stem for file in default_devices_dir().glob("*.toml")}
    for row in rows:
        assert row.title != row.name, row.name
        assert row.about, row.name
        assert explain(row.name) == row
        assert all(channel.behaviour and "inf" not in channel.behaviour for channel in row.channels), row.name


def test_an_unknown_type_to_explain_names_the_nearest() -> None:
    with pytest.raises(ConfigError, match="did you mean 'water-meter'"):
        explain("water-metre")


def test_the_home_is_among_the_scenarios() -> None:
    (home,) = [row for row in list_scenarios() if row.name == "home"]
    assert (home.numbered, home.foreign) == (44, 3)
    assert len(home.incidents) >= 5
