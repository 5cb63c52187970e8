"""How kernels are compiled, in the one place that says so.

Numba keeps what it has compiled on disk, beside the file of the function that is called, and
notices a change in that file only. So a kernel calls functions of its own file, and a few of
`words`, `pixels`, `convolution` and `motion`: after a change there, delete the folder
`__pycache__`.
"""

from __future__ import annotations

from numba import njit

# No fastmath: pixels must not depend on the machine. No parallel=True: tf.data calls kernels from
# several threads at once, which numba's threading layers do not all survive.
compiled = njit(nogil=True, cache=True, error_model="numpy")
