"""What we publish: releases that never change once written, and the proof that they are what they say.

Nothing is computed here that the warehouse has not; a release is a copy of its tables with words and checksums.
"""
