"""Tables of text in the dialects that people have, and what is refused."""

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from salmetrics import InputError
from salmetrics.data import tables
from salmetrics.data.table_cells import as_numbers
from salmetrics.data.tables import read_table

WANTED = {"image": ("file",), "x": ("x",), "y": ("y",)}
PLAIN = "file,x,y\na.png,1.5,2.5\nb.png,3,4\n"
COLUMNS = {"file": ["a.png", "b.png"], "x": ["1.5", "3"], "y": ["2.5", "4"]}


def read(tmp_path, content, name="t.csv", **options):
    path = tmp_path / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return read_table(path, WANTED, **options)


@pytest.mark.parametrize(
    "content",
    [
        PLAIN,
        PLAIN.replace("\n", "\r\n"),
        PLAIN.replace("\n", "\r"),
        PLAIN.replace(",", ";"),
        PLAIN.replace(",", "\t"),
        PLAIN.replace(",", "|"),
        PLAIN.replace(",", "   "),
        PLAIN.replace(",", " , "),
        'file,x,y\n"a.png","1.5","2.5"\n"b.png","3","4"\n',
        "file,x,y,\na.png,1.5,2.5,\nb.png,3,4,\n",
        "file,x,y\na.png,1.5,2.5,,\nb.png,3,4,,\n",
        f"\n\n{PLAIN}\n\n,,\n",
        f"# exported, with care\n% by me\n// today\n{PLAIN}",
        PLAIN.replace("file", "# file"),  # as NumPy writes headers
        PLAIN.replace("b.png", "# break, of a minute\nb.png"),
        PLAIN.replace("b.png", "file,x,y\nb.png"),  # two files in one
        f"Recording: x\nDate: 1, 2\n\n{PLAIN}",
        f"sep=;\n{PLAIN}".replace(",", ";"),
        PLAIN.encode("utf-8-sig"),
        PLAIN.encode("utf-16"),
        PLAIN.encode("utf-16-le"),
        PLAIN.encode("utf-16-be"),
        PLAIN.encode("utf-32"),
    ],
)
def test_dialects(tmp_path, content):
    assert read(tmp_path, content).columns == COLUMNS


@pytest.mark.parametrize(
    ("content", "options"),
    [
        (PLAIN.replace(",", "^"), {"separator": "^"}),
        (PLAIN.replace(",", "\t"), {"separator": "tab"}),
        (PLAIN.replace(",", "\t"), {"separator": "\\t"}),
        (PLAIN.replace(",", " "), {"separator": "space"}),
        (f"!note\n{PLAIN}!end, of it\n", {"comment": "!"}),
        (PLAIN.encode("cp500"), {"encoding": "cp500"}),
    ],
)
def test_dialects_by_options(tmp_path, content, options):
    assert read(tmp_path, content, **options).columns == COLUMNS


def test_large_cells(tmp_path):
    cell = "a" * 300_000
    assert read(tmp_path, f"file,x,y,note\na,1,2,{cell}\n").columns["note"] == [cell]


def test_a_comment_that_names_the_columns(tmp_path):
    content = f"# columns: file, x, y, and others,file,x,y\n{PLAIN}"
    assert read(tmp_path, content).columns == COLUMNS


def test_lines_of_the_file(tmp_path):
    content = '# note\nfile,x,y,remark\n\na,1,2,"two\nlines"\n# note\nb,3,4,c\n'
    table = read(tmp_path, content)
    assert table.lines.tolist() == [4, 7]
    assert table.where(1) == "line 7"
    assert table.select([1]).where(0) == "line 7"


def test_rows_that_look_like_comments(tmp_path):
    content = "file,x,y\n#1.png,1,2\n//server/b.png,3,4\n# a note\n"
    assert read(tmp_path, content).columns["file"] == ["#1.png", "//server/b.png"]
    assert read(tmp_path, content, comment="#").columns["file"] == ["//server/b.png"]
    with pytest.raises(InputError, match="line 4 has 1"):
        read(tmp_path, content, comment="")


def test_names_of_columns(tmp_path):
    table = read(tmp_path, ",file,x,y,a,a\nr,f,1,2,3,4\n")
    assert list(table.columns) == ["column 1", "file", "x", "y", "a", "a.1"]
    for name in ("NA", "nan", "1.0", "001", "007"):
        assert read(tmp_path, f"file,x,y\n {name} ,1,2\n").columns["file"] == [name]


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ("", "the file is empty; the first line of a table names its columns"),
        ("\n\n# nothing\n", "the file is empty"),
        ("a.png,1.5,2\nb.png,3,4\n", "the first line must name .* file,x,y; it is 'a.png,1.5,2'"),
        ("a.png;1,5;2,5\n", "the first line must name .* it is 'a.png;1,5;2,5'"),
        ("File,X,y\n", r"no column 'file', 'x'; .* perhaps image='File', x='X'"),
        ("file,fix_x,fix_y,z\n", "perhaps x='fix_x', y='fix_y'"),
        ("file,x,x,y\na,1,2,3\n", "the table has 2 columns 'x'; keep one"),
        (
            "file~x~y\na~1~2\n",
            "has 1 column, 'file~x~y', if cells are separated by ',', ';', a tab",
        ),
        ("file,x,y\na,1,5,2,5\n", "line 2 has 5. If commas are decimal marks"),
        ("x y file\n2 2 3 a\n", "line 2 has 4. If the first cell is the number of the row"),
        (
            "file,x,y\na,1\nb,1\nc,1\nd,1\n",
            r"4 rows have .*: line 2 has 2, .*, line 4 has 2 \.\.\.",
        ),
        ('file,x,y\n"a,1,2\nb,1,2\n', "line 2 cannot be read: .*double quote must end with one"),
        ('[{"file": "a", "x": 1}]', "looks like JSON; a table has one line per fixation"),
        ('{"file": "a", "x": 1}\n', "looks like JSON"),
        (b"PK\x03\x04....", "Excel workbook or a zip archive; save the table as CSV"),
        (b"\x89PNG\r\n", "this is an image"),
        (b"file,x\0,y", "this is not a table of text"),
        (b"\xff\xfea\0b", "this is no text in utf-16"),
    ],
)
def test_what_is_refused(tmp_path, content, text):
    with pytest.raises(InputError, match=text):
        read(tmp_path, content)


@pytest.mark.parametrize(
    "content",
    [
        '[{"file": "a"}]' * 100_000,
        "a" * 1_000_000,
        "a," * 500_000,
        ",".join(f"column{i}" for i in range(50_000)) + "\n1,2\n",
        "file,x,y\n" + "a," * 500_000,
        "\n".join(["file,x,y"] + ["a,1"] * 50_000),
    ],
    ids=["json", "one cell", "empty names", "many columns", "long row", "short rows"],
)
def test_short_messages(tmp_path, content):
    with pytest.raises(InputError) as error:
        read(tmp_path, content)
    assert len(str(error.value)) < 350


def test_wrong_options(tmp_path):
    with pytest.raises(
        InputError, match="separator= takes one character, 'tab' or 'space'; got 'ab"
    ):
        read(tmp_path, PLAIN, separator="ab")
    with pytest.raises(InputError, match="if cells are separated by ';'"):
        read(tmp_path, PLAIN, separator=";")
    with pytest.raises(InputError, match="encoding='no' does not fit: unknown encoding"):
        read(tmp_path, PLAIN, encoding="no")
    with pytest.raises(InputError, match=r"encoding='ascii' does not fit: .*decode byte"):
        read(tmp_path, PLAIN.replace("a.png", "ä.png"), encoding="ascii")
    with pytest.raises(InputError, match=r"it cannot be read|needs pyarrow"):
        read(tmp_path, b"PAR1", "t.parquet")


@pytest.mark.parametrize(
    "content",
    [
        '"","file","x","y"\n"1","a.png",1.5,2.5\n"2","b.png",3,4\n',  # write.csv
        '"";"file";"x";"y"\n"7";"a.png";1.5;2.5\n"3";"b.png";3;4\n',  # rows of a larger table
        ",file,x,y\n0,a.png,1.5,2.5\n1,b.png,3,4\n",  # to_csv of pandas
    ],
)
def test_a_column_of_row_numbers_without_a_name_is_left_aside(tmp_path, content):
    table = read(tmp_path, content)
    assert (table.columns, table.notes) == (COLUMNS, ())


@pytest.mark.parametrize("numbers", ["1,1", "1,", "1,b", "1,1.5"])
def test_what_is_no_row_number_is_kept(tmp_path, numbers):
    first, second = numbers.split(",")
    table = read(tmp_path, f",file,x,y\n{first},a.png,1.5,2.5\n{second},b.png,3,4\n")
    assert table.columns == {"column 1": [first, second], **COLUMNS}


def test_the_column_without_a_name_may_be_wanted(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text(",x,y\n1,5,6\n2,7,8\n")
    wanted = WANTED | {"image": ("column 1",)}
    assert read_table(path, wanted).columns["column 1"] == ["1", "2"]


@pytest.mark.parametrize(
    "content",
    [
        '"file" "x" "y"\n"1" "a.png" 1.5 2.5\n"2" "b.png" 3 4\n',  # write.table
        "file x y\n1 a.png 1.5 2.5\n2 b.png 3 4\n",  # quote = FALSE
        '"file","x","y"\n"4","a.png",1.5,2.5\n"2","b.png",3,4\n',
        "file\tx\ty\n1\ta.png\t1.5\t2.5\n2\tb.png\t3\t4\n",
    ],
)
def test_a_header_without_a_cell_for_row_numbers_is_moved(tmp_path, content):
    table = read(tmp_path, content)
    assert table.columns == COLUMNS
    assert table.lines.tolist() == [2, 3]
    (note,) = table.notes
    assert "the header has one cell less than the rows" in note


@pytest.mark.parametrize(
    "content",
    [
        "file,x,y\n1,5,2,5\n2,6,3,5\n",  # decimal commas
        "file x y\n2 a.png 1.5 2.5\n3 b.png 3 4\n",
        "file x y\n1 a.png 1.5 2.5\nb.png 3 4\n",
        "file x y\ncat 1.png 3 4\n",
        '"file" "x" "y"\n"1" "a.png" 1.5 2.5\n"1" "b.png" 3 4\n',
    ],
)
def test_other_rows_with_a_cell_more_are_refused(tmp_path, content):
    with pytest.raises(InputError, match="another number of cells: line 2 has 4"):
        read(tmp_path, content)


def test_a_row_of_units(tmp_path):
    table = read(tmp_path, PLAIN.replace("a.png", ",px,px\na.png"))
    assert (table.columns, table.n_refused) == (COLUMNS, 0)
    assert table.lines.tolist() == [3, 4]
    assert dict(table.units.cells) == {"x": "px", "y": "px"}
    assert table.notes == ("line 2, below the header, holds units ('px'), and is left out",)
    assert read(tmp_path, PLAIN).units is None


@pytest.mark.parametrize("row", ["u,px,1", "u,n/a,n/a", "u,left,right", "u,,"])
def test_other_rows_below_the_header_are_rows(tmp_path, row):
    table = read(tmp_path, PLAIN.replace("a.png", f"{row}\na.png"))
    assert (table.units, len(table.lines)) == (None, 3)


def test_units_further_below_are_no_row_of_units(tmp_path):
    assert len(read(tmp_path, PLAIN.replace("b.png", "u,px,px\nb.png")).lines) == 3


NAMES = st.text(
    st.characters(codec="utf-8", exclude_categories=["C", "Z"], exclude_characters='"'), min_size=1
)
NUMBERS = st.floats(-1e6, 1e6).map(lambda x: round(x, 4))


@settings(max_examples=60, deadline=None)
@given(
    rows=st.lists(st.tuples(NAMES, NUMBERS, NUMBERS, NAMES), min_size=1, max_size=5),
    separator=st.sampled_from(",;\t|"),
    decimal=st.sampled_from(".,"),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]),
    end=st.sampled_from(["\n", "\r\n"]),
    is_trailing=st.booleans(),
    comment=st.sampled_from(["", "# a note", "% 1,2;3"]),
)
def test_any_table_in_any_dialect(
    tmp_path_factory, rows, separator, decimal, encoding, end, is_trailing, comment
):
    def cell(value):
        text = str(value).replace(".", decimal) if isinstance(value, float) else value
        return f'"{text}"' if isinstance(value, str) or separator in text else text

    lines = [separator.join(["file", "x", "y", "subject"])]
    lines += [separator.join(map(cell, row)) for row in rows]
    if is_trailing:
        lines = [line + separator for line in lines]
    path = tmp_path_factory.mktemp("any") / "t.csv"
    path.write_bytes(end.join([comment, *lines, ""]).encode(encoding))
    table = read_table(path, WANTED)
    assert table.columns["file"] == [row[0] for row in rows]
    assert table.columns["subject"] == [row[3] for row in rows]
    for k, name in ((1, "x"), (2, "y")):
        numbers, bad = as_numbers(table.columns[name], decimal)
        assert not bad.size
        assert numbers.tolist() == [row[k] for row in rows]


def test_a_guessed_encoding_is_noted(tmp_path):
    path = tmp_path / "t.csv"
    path.write_bytes("file,x,y,subject\ncat.png,1,2,Иван\n".encode("cp1251"))
    table = read_table(path, WANTED)
    assert table.notes == (table.guessed,)
    assert "not UTF-8, and is read as cp1252" in table.guessed
    assert read_table(path, WANTED, encoding="cp1251").notes == ()


@pytest.mark.parametrize("end", ["\x1a", "\r\n\x1a\r\n", "\n\x1a\x1a\x1a"])
def test_the_end_of_a_file_of_dos_is_no_row(tmp_path, end):
    path = tmp_path / "t.csv"
    path.write_bytes(f"file,x,y\r\ncat.png,1,2{end}".encode())
    assert read_table(path, WANTED).columns == {"file": ["cat.png"], "x": ["1"], "y": ["2"]}


def test_columns_of_lists(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text('file,location\ncat.png,"[1.5, 2]"\n')
    for wanted in (WANTED, WANTED | {"x": ("location_x",), "y": ("location_y",)}):
        with pytest.raises(InputError, match=r"x=, y=\. As to 'location': it holds lists such as"):
            read_table(path, wanted)


def test_columns_of_lists_in_a_binary_table(tmp_path):
    pytest.importorskip("pyarrow")
    path = tmp_path / "t.parquet"
    pd.DataFrame({"file": ["cat.png"], "location": [[1.5, 2.0]]}).to_parquet(path)
    with pytest.raises(InputError, match=r"As to 'location': it holds lists such as"):
        read_table(path, WANTED)


@pytest.mark.parametrize(
    "content",
    [
        "a,b,c\n1, 2 ,x y\n,3,\n4,5,6\n",
        "a,b,c\r\n1,2,3\r\n\r\n4,5,6",
        "a\tb\tc\n1\t2\t\t\n",
        "note\na,b,a\n1,2,3\n4,5,6\n",
        "a,b,c\n1,2,3\na,b,c\n4,5,6\n",
        "a,b,c\n1,2,3\n,,\n4,5,6\n",
        "a,b,c\n1,2,3,\n4,5,6,\n",
        'a,b,c\n"1,5",2,3\n4,5,6\n',
        "a,b,c\n1,2,3\n# 7,8\n% x\n4,5,6\n",
        "a,b,c\n1,100%,http://c\n4,5,#6\n",
        "a,b,c\npx,px,px\n4,5,6\n",
        ",a,b,c\n1,7,8,9\n2,5,5,5\n",
        "a,b,c\n",
    ],
)
def test_plain_rows_are_read_as_others_are(tmp_path, monkeypatch, content):
    path = tmp_path / "t.csv"
    path.write_bytes(content.encode())
    quick = read_or_refused(path)
    monkeypatch.setattr(tables._Source, "plain_columns", lambda self: None)
    assert read_or_refused(path) == quick


def read_or_refused(path):
    try:
        table = read_table(path, {"x": ("a",), "y": ("b",)})
    except InputError as error:
        return str(error)
    return table.columns, table.lines.tolist(), table.units, table.notes
