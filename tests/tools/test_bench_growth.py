"""The tables of growth, on the tiny model."""

from tools import bench_growth


def test_it_prints_a_row_for_each_length_and_each_number_of_callers(model_dir, capsys):
    bench_growth.main(
        [str(model_dir), "--lengths", "0.4", "0.8", "--callers", "1", "3", "--seconds", "0.4"]
    )
    rows = [line.split(" | ") for line in capsys.readouterr().out.splitlines() if "|" in line]
    assert [row[0].strip("| ") for row in rows if "---" not in row[0]] == [
        *("speech", "0.4 s", "0.8 s"),
        *("callers", "1", "3"),
    ]
    assert all(float(row[1]) > 0 for row in rows if row[0].strip("| ")[0].isdigit())
