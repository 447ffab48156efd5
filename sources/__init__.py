"""Where figures come from: one folder a dataset, each with `source.yml` and `parse.py`; and what all of them share.

Here belong fetching, the archive of raw bytes, places, strict reading of publishers' formats, corrections, and the
making of dictionary rows from a parser's tidy rows. Checking, storing and choosing are the warehouse's.
"""
