"""The least inputs that once ended in a traceback, a hang or a silent loss."""

FILES = {
    "a bare quotation mark": (".csv", b'size,n\n12,1\n5",2\n7,3\n'),
    "a lone carriage return": (".csv", b"a,b\n1,2\r3,4\n5,6\n"),
    "a header of 10,500 columns": (
        ".csv",
        b",".join(b"column_%06d" % i for i in range(10_500)) + b"\n" + b"1," * 10_499 + b"1\n" * 2,
    ),
    "UTF-16 of odd length": (".csv", b"\xff\xfea\x00,\x00b\x00\n"),
    "underflowed p-values": (".csv", b"p\n" + b"0\n1e-310\n0.5\n1\n" * 9),
    "JSON of 3,000 levels": (".jsonl", b'{"a": ' + b"[" * 3000 + b"]" * 3000 + b"}\n"),
    "a key that occurs twice": (".jsonl", b'{"a": 1, "a": 2}\n{"a": 3}\n'),
    "a header without an end": (".npy", b"\x93NUMPY\x01\x00\x06\x00{'a':("),
    "an array of 2**60 numbers": (
        ".npy",
        b"\x93NUMPY\x01\x00v\x00"
        + b"{'descr': '<f8', 'fortran_order': False, 'shape': (1152921504606846976, 1), }".ljust(
            117
        )
        + b"\n",
    ),
    "a day beyond the calendar": (".csv", b"d\n" + b"9999-12-31\n0001-01-01\n5000-06-06\n" * 9),
    "images of no width, and of more pixels than can be counted": (
        ".idx",
        bytes([0, 0, 8, 3]) + b"\xff\0\xff\0" * 2 + bytes(4),
    ),
    "images that claim 4 GiB": (
        ".idx",
        bytes([0, 0, 8, 3, 0, 0, 255, 255, 0, 0, 255, 0, 0, 0, 1, 0]),
    ),
}
"""Ending and content, by what is odd about it."""
