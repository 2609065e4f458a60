"""The codec of photographs: version 2 of the format, and the family that ships with it."""
