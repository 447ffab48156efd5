"""The estimate: figures brought to a day, with what history says of the error, and the test of that on the past."""
