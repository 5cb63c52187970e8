"""The limits of coordinates, which both engines keep as 16.16 fixed-point integers."""

# Bits after the point.
FRACTION = 16
ONE = 65536.0
# By how many source pixels neighbours lie apart at most, and how far away pixel (0, 0) is read, or
# a pixel is displaced: much more than the side of the largest image, and 16.16 coordinates fit into
# 64 bits.
WIDEST_STEP = float(2**16)
FARTHEST = float(2**30)
