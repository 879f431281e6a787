"""A laboratory's table: written and read to the same bits, and refused by line and column."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from rsscircuit.banks import bank_spec
from rsscircuit.banks.exchange import State, TileTable, write_table
from rsscircuit.banks.table import MeasuredTable, read_table
from rsscircuit.errors import InputError

SPEC = bank_spec("equal", 3, 1e6)
DRAWN = {"fc1": np.array([[True, True], [False, True]]), "fc2": np.ones((1, 2), np.bool_)}
HEAD = "layer,row,column,polarity,branch,"


def read(path: Path, text: str | None = None) -> MeasuredTable:
    if text is not None:
        path.write_bytes(text.encode())
    return read_table(path, DRAWN, SPEC, labels={"fc_two": "fc2", "fc2": "fc1"})


def tiles(values: np.ndarray, **more: np.ndarray) -> Iterator[TileTable]:
    """``values`` [3, 2, 2, 3] as the tiles of the two layers, the first layer cut by columns."""
    for column in (0, 1):
        cut = {name: each[:2, [column]] for name, each in more.items()}
        yield TileTable(
            layer="fc1", row=0, column=column, drawn=DRAWN["fc1"][:, [column]], siemens=values[:2, [column]], **cut
        )
    cut = {name: each[2:] for name, each in more.items()}
    yield TileTable(layer="fc2", row=0, column=0, drawn=DRAWN["fc2"], siemens=values[2:], **cut)


def joined(parts: dict[str, np.ndarray]) -> np.ndarray:
    return np.concatenate([parts["fc1"], parts["fc2"]])


@settings(deadline=None, max_examples=40)
@given(arrays(np.float64, (3, 2, 2, 3), elements=st.one_of(st.just(0.0), st.floats(3e-7, 3e-6))), st.booleans())
def test_what_was_written_reads_back_to_the_same_bits(
    tmp_path_factory: pytest.TempPathFactory, values: np.ndarray, more: bool
) -> None:
    path = tmp_path_factory.mktemp("table") / "die.csv"
    drawn = np.concatenate(list(DRAWN.values()))[:, :, None, None]
    given = {"sigma_siemens": values / 7, "state": np.zeros(values.shape, np.int8)} if more else {}
    branches, sha256 = write_table(path, tiles(values, **given), sigma=more, state=more)
    table = read(path)
    assert branches == path.read_text().count("\n") - 1 == 5 * 6
    assert table.sha256 == sha256
    assert joined(dict(table.siemens)).tobytes() == np.where(drawn, values, 0.0).tobytes()
    assert (table.sigma_siemens is not None) == more
    if table.sigma_siemens is not None:
        assert joined(dict(table.sigma_siemens)).tobytes() == np.where(drawn, values / 7, 0.0).tobytes()
    said = State.WORKS if more else State.UNSAID
    assert (joined(dict(table.state)) == np.where(drawn, said, State.MISSING)).all()


def test_missing_branches_are_left_out_and_are_missing_again(tmp_path: Path) -> None:
    values, state = np.full((3, 2, 2, 3), 1e-6), np.zeros((3, 2, 2, 3), np.int8)
    state[0, 1, 0, 2], state[0, 1, 1, 0], state[2, 0, 1, 1] = State.MISSING, State.CLOSED, State.OPEN
    path = tmp_path / "die.csv"
    branches, _ = write_table(path, tiles(values, state=state), state=True)
    table = read(path)
    assert branches == 29
    assert "fc1,0,1,-,0,1e-06,closed\n" in path.read_text()
    assert table.siemens["fc1"][0, 1, 0, 2] == 0
    found = joined(dict(table.state))
    assert (found[state != 0] == state[state != 0]).all()


def test_ohm_columns_in_any_order_blank_lines_and_a_spreadsheet_s_marks(tmp_path: Path) -> None:
    text = (
        "\ufeffstate, ohm,branch,polarity,column,row,layer,sigma_ohm\r\n"
        "works, 2e6,0,+,1,0,fc1,4e3\r\n\r\n"
        ',,1,+,1,0,"fc1",\r\n'
        "open,open resistor,2,-,1,0,fc1,\r\n"
        "closed,8e5,2,-,0,0,fc_two,0\r\n"
    )
    table = read(tmp_path / "die.csv", text)
    assert table.unit == "ohm"
    assert table.sigma_siemens is not None
    assert table.siemens["fc1"][0, 1].tolist() == [[1 / 2e6, 0, 0], [0, 0, 0]]
    assert table.sigma_siemens["fc1"][0, 1, 0, 0] == pytest.approx(4e3 / 2e6**2, rel=1e-12)
    assert table.siemens["fc2"][0, 0, 1, 2] == 1 / 8e5
    state = table.state["fc1"][0, 1]
    assert state.tolist() == [[State.WORKS, State.UNSAID, State.MISSING], [State.MISSING, State.MISSING, State.OPEN]]
    assert table.state["fc2"][0, 0, 1, 2] == State.CLOSED


def test_a_layer_s_name_goes_before_the_label_of_another_and_may_hold_anything(tmp_path: Path) -> None:
    table = read(tmp_path / "die.csv", HEAD + "siemens\nfc2,0,0,+,0,1e-6\n")
    assert table.siemens["fc2"].any()
    assert not table.siemens["fc1"].any()
    name, drawn = '/a "b", c\n', np.ones((1, 1), np.bool_)
    tile = TileTable(layer=name, row=0, column=0, drawn=drawn, siemens=np.full((1, 1, 2, 3), 1e-6))
    write_table(tmp_path / "odd.csv", [tile])
    assert read_table(tmp_path / "odd.csv", {name: drawn}, SPEC).siemens[name].all()


@pytest.mark.parametrize(
    ("header", "says"),
    [
        ("", "line 1: the columns must be layer,row,column,polarity,branch,siemens or ohm.*got ''"),
        ("layer;row;column;polarity;branch;siemens", "line 1: .*separated by semicolons; got 'layer;row.*use commas"),
        (HEAD + "uS", "line 1: the columns must be.*got 'layer,row,column,polarity,branch,uS'"),
        (HEAD + "siemens,siemens", "line 1: the columns must be"),
        ("layer,row,column,branch,siemens", "line 1: the columns must be"),
        (HEAD[:-1], "line 1: no unit; got 'layer.*call the column of values siemens or ohm"),
        (HEAD + "siemens,ohm", "line 1: siemens and ohm are both there; keep one"),
        (HEAD + "ohm,sigma_ohm,sigma_siemens", "line 1: sigma_siemens and sigma_ohm are both there"),
        (HEAD + "siemens", "holds no branch"),
    ],
)
def test_a_first_line_that_does_not_say_what_the_columns_are(tmp_path: Path, header: str, says: str) -> None:
    with pytest.raises(InputError, match=says):
        read(tmp_path / "die.csv", header + "\n")


@pytest.mark.parametrize(
    ("columns", "line", "says"),
    [
        ("siemens", "fc3,0,0,+,0,1e-6", "column layer: no such layer 'fc3'"),
        ("siemens", "fc1,2,0,+,0,1e-6", "column row: '2' is beyond 0 to 1"),
        ("siemens", "fc1,-1,0,+,0,1e-6", "column row: '-1' is no whole number from 0"),
        ("siemens", "fc1,1.0,1,+,0,1e-6", "column row: '1.0' is no whole number from 0"),
        ("siemens", "fc1,1_0,1,+,0,1e-6", "column row: '1_0' is no whole number from 0"),
        ("siemens", f"fc1,{10**30},1,+,0,1e-6", "column row: '10+' is beyond 0 to 1"),
        ("siemens", "fc2,0,2,+,0,1e-6", "column column: '2' is beyond 0 to 1"),
        ("siemens", "fc2,0,0,*,0,1e-6", "column polarity: '.' is neither . nor -"),
        ("siemens", "fc2,0,0,+,3,1e-6", "column branch: '3' is beyond 0 to 2"),
        ("siemens", "fc1,1,0,+,0,1e-6", "fc1 has no bank in row 1, column 0: the weight is zero"),
        ("siemens", "fc1,0,0,+,0,1e-6", "column branch: the same branch as in line 2"),
        ("siemens", "fc1,0,1,+,0,1uS", "column siemens: '1uS' is no finite number"),
        ("siemens", "fc1,0,1,+,0,nan", "column siemens: 'nan' is no finite number"),
        ("siemens", "fc1,0,1,+,0,inf", "column siemens: 'inf' is no finite number"),
        ("siemens", "fc1,0,1,+,0,-1e-6", "column siemens: '-1e-6' is negative"),
        ("siemens", "fc1,0,1,+,0", "column siemens: is lacking; 5 fields"),
        ("siemens", "fc1,0,1,+,0,1,5", "column 7: has no name; 7 fields"),
        ("siemens,sigma_siemens", "fc1,0,1,+,0,1e-6,-1", "column sigma_siemens: '-1' is negative"),
        ("siemens,sigma_siemens", "fc1,0,1,+,0,1e-6,", "column sigma_siemens: '' is no finite number"),
        ("siemens,state", "fc1,0,1,+,0,1e-6,shut", "column state: 'shut' is none of open, closed and works"),
        ("ohm", "fc1,0,1,+,0,0", "column ohm: 0 Ohm is no resistance"),
        ("ohm", "fc1,0,1,+,0,5e-324", "column ohm: '5e-324' is too small a resistance"),
        ("ohm", "fc1,0,1,+,0,inf", "column ohm: 'inf' is no finite number"),
        ("siemens", "f" * 200_000 + ",0,1,+,0,1", "is not a table.*field larger than"),
    ],
)
def test_a_line_that_means_nothing_here_is_named(tmp_path: Path, columns: str, line: str, says: str) -> None:
    good = {"siemens": "1e-6", "ohm": "1e6", "sigma_siemens": "1e-9", "state": "works"}
    first = "fc1,0,0,+,0," + ",".join(good[column] for column in columns.split(","))
    with pytest.raises(InputError, match=f"--measured .*line 3.*{says}"):
        read(tmp_path / "die.csv", f"{HEAD}{columns}\n{first}\n{line}\n")


def test_the_first_five_are_named_and_the_others_counted(tmp_path: Path) -> None:
    lines = [f"fc1,0,0,+,{branch},none\n" for branch in range(9)] * 200
    with pytest.raises(InputError) as caught:
        read(tmp_path / "die.csv", HEAD + "siemens\n" + "fc1,0,0,-,0,1e-6\n" * 2 + "".join(lines))
    text = str(caught.value)
    named = [int(part.split(",")[0]) for part in text.split("line ")[1:] if ", column" in part]
    assert named == [3, 4, 5, 6, 7]
    # a repeated branch; then no value in any line, and of nine branches six that no bank has and three repeated
    assert text.endswith(f"; and {1 + 1800 + 200 * 6 + 199 * 3 - 5} more")


def test_the_first_line_may_be_in_capitals_with_spaces(tmp_path: Path) -> None:
    table = read(tmp_path / "die.csv", "LAYER, Row ,column,polarity,branch, Siemens\nfc1,0,0,+,0,1e-6\n")
    assert table.siemens["fc1"][0, 0, 0, 0] == 1e-6


@pytest.mark.parametrize(
    ("unit", "value", "says"),
    [
        ("siemens", "0.9", r"the median branch conducts 9e.05 times what was drawn; give plain siemens"),
        ("ohm", "1e3", r"1e.03 times what was drawn; give plain siemens"),
        ("siemens", "1e6", "these look like ohms; rename the column ohm"),
        ("ohm", "1e-6", "these look like siemens; rename the column siemens"),
    ],
)
def test_a_wrong_unit_is_seen(tmp_path: Path, unit: str, value: str, says: str) -> None:
    (tmp_path / "die.csv").write_text(
        f"{HEAD}{unit}\n" + "".join(f"fc1,0,0,+,{branch},{value}\n" for branch in range(3))
    )
    with pytest.raises(InputError, match=says):
        read_table(tmp_path / "die.csv", DRAWN, SPEC, switch_ohm=2550.0)


@pytest.mark.parametrize(("state", "refused"), [("", True), ("works", True), ("closed", True), ("open", False)])
def test_a_branch_that_conducts_more_than_its_switch_stays_open_or_is_refused(
    tmp_path: Path, state: str, refused: bool
) -> None:
    path = tmp_path / "die.csv"
    good = "".join(f"fc1,0,1,+,{branch},1e-6,\n" for branch in range(3))
    path.write_text(f"{HEAD}siemens,state\n{good}fc1,1,1,-,2,1e-3,{state}\n")
    if not refused:
        table = read_table(path, DRAWN, SPEC, switch_ohm=2550.0)
        assert table.siemens["fc1"][1, 1, 1, 2] == 1e-3
        assert table.line["fc1"][1, 1, 1, 2] == 5
        return
    says = (
        "--measured .*die.csv: line 5, column siemens: fc1, row 1, column 1, -, branch 2 conducts 0.001 S, "
        "more than its switch of 2550 Ohm alone; say open .* delete the line"
    )
    with pytest.raises(InputError, match=says):
        read_table(path, DRAWN, SPEC, switch_ohm=2550.0)
    assert read_table(path, DRAWN, SPEC, switch_ohm=999.0).siemens["fc1"][1, 1, 1, 2] == 1e-3


@pytest.mark.parametrize(("unit", "value"), [("ohm", "0"), ("ohm", "inf"), ("ohm", "Infinity"), ("siemens", "inf")])
def test_no_value_of_a_switch_that_stays_open_is_refused(tmp_path: Path, unit: str, value: str) -> None:
    path = tmp_path / "die.csv"
    good = "".join(f"fc1,0,1,+,{branch},{'1e6' if unit == 'ohm' else '1e-6'},\n" for branch in range(3))
    known = {"fc1": np.zeros((2, 2, 2, 3), np.bool_)}
    known["fc1"][1, 1, 1, 2] = True
    for state, stuck_open, taken in (
        ("open", None, True), ("", known, True), ("", None, False), ("works", known, False), ("closed", known, False),
    ):  # fmt: skip
        path.write_text(f"{HEAD}{unit},state\n{good}fc1,1,1,-,2,{value},{state}\n")
        if taken:
            table = read_table(path, DRAWN, SPEC, switch_ohm=2550.0, stuck_open=stuck_open)
            assert table.siemens["fc1"][1, 1, 1, 2] == 0.0
            assert table.line["fc1"][1, 1, 1, 2] == 5
        else:
            with pytest.raises(InputError, match=f"line 5, column {unit}: (0 Ohm is no|'{value}' is no finite)"):
                read_table(path, DRAWN, SPEC, switch_ohm=2550.0, stuck_open=stuck_open)
    path.write_text(f"{HEAD}{unit},sigma_{unit},state\nfc1,1,1,-,2,{value},,open\nfc1,0,1,-,2,-inf,1,open\n")
    with pytest.raises(InputError, match=f"line 3, column {unit}: '-inf' is no finite number"):
        read_table(path, DRAWN, SPEC)


@pytest.mark.parametrize("data", [b"layer,row\xff\xfe\n", None])
def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, data: bytes | None) -> None:
    path = tmp_path / "die.csv"
    if data is not None:
        path.write_bytes(data)
    says = "cannot be read: no such file" if data is None else "cannot be read; got"
    with pytest.raises(InputError, match=rf"--measured .*die\.csv: {says}") as caught:
        read(path)
    assert "Errno" not in str(caught.value)


def test_a_table_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    path, values = tmp_path / "die.csv", np.full((3, 2, 2, 3), 1e-6)
    path.write_text("measured for a week")

    def broken() -> Iterator[TileTable]:
        yield next(tiles(values))
        raise RuntimeError

    with pytest.raises(InputError, match="a file is there already; pass --force"):
        write_table(path, tiles(values))
    with pytest.raises(RuntimeError):
        write_table(path, broken(), force=True)
    assert path.read_text() == "measured for a week"
    with pytest.raises(InputError, match="is no regular file"):
        write_table(tmp_path, tiles(values), force=True)
    with pytest.raises(InputError, match="cannot be written"):
        write_table(path / "below.csv", tiles(values))
    with pytest.raises(InputError, match="is no regular file"):
        write_table("/dev/null", tiles(values), force=True)
    write_table(path, tiles(values), force=True)
    assert path.read_text().startswith(HEAD)
    assert [file.name for file in tmp_path.iterdir()] == ["die.csv"]


def test_a_large_table_takes_seconds(tmp_path: Path) -> None:
    spec, drawn = bank_spec("geometric:1.25", 12, 1e6), {"fc": np.ones((100, 100), np.bool_)}
    rng = np.random.default_rng(1)
    siemens = rng.uniform(0.9, 1.1, (100, 100, 2, 12)) / spec.nominal_ohm
    began = time.process_time()
    tile = TileTable(layer="fc", row=0, column=0, drawn=drawn["fc"], siemens=siemens)
    assert write_table(tmp_path / "die.csv", [tile])[0] == 240_000
    assert read_table(tmp_path / "die.csv", drawn, spec).siemens["fc"].tobytes() == siemens.tobytes()
    assert time.process_time() - began < 5.0  # a fifth of it is usual
