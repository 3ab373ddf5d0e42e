"""The first sheet of a workbook that has cells, as an Arrow file, in a process of its own:
`python -m quasistatic.data._sheet BOOK FRAME BYTES SECONDS`.

Some kilobytes of a workbook can ask for any number of cells and texts, which its parser makes
before anybody can count them. Here it has so many bytes and seconds, and no more.
"""

import json
import resource
import sys


def main(book: str, frame: str, most_bytes: int, most_seconds: int) -> None:
    """Write the cells; say the name of the sheet and the number of sheets, or what was wrong.

    Args:
        book: path of the workbook.
        frame: path of the Arrow file.
        most_bytes: memory that this may take.
        most_seconds: seconds of the processor that this may take.
    """
    import fastexcel

    resource.setrlimit(resource.RLIMIT_AS, (most_bytes, most_bytes))
    resource.setrlimit(resource.RLIMIT_CPU, (most_seconds, most_seconds))
    with open(book, "rb") as file:
        read = fastexcel.read_excel(file.read())
    names = read.sheet_names
    found: dict[str, str | int] = {"sheets": len(names)}
    for name in names:
        sheet = read.load_sheet(name)
        if sheet.total_height and sheet.width:
            sheet.to_polars().write_ipc(frame)
            found["name"] = name
            break
    sys.stdout.write(json.dumps(found))


if __name__ == "__main__":
    try:
        main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
    except Exception as error:  # noqa: BLE001
        sys.stdout.write(json.dumps({"error": str(error)}))
