"""For Keras 3.15 with TensorFlow: the batch that `fit` reads to build the model.

Under a `tf.distribute` strategy, `fit`, `evaluate` and their like read a batch, build the model for
its shape and throw the iterator away; what they train on comes from another one. So that reading
counts as no epoch. This can go when Keras builds from the shapes alone (`Dataset.element_spec`);
tests/test_fit.py passes without it then. With versions that name the function otherwise it does
nothing.
"""

from __future__ import annotations

import sys
import traceback


def at_work() -> bool:
    """Whether some thread of this process is in that function of Keras's.

    The thread that asks is one of TensorFlow's, which reads for that thread.
    """
    module = sys.modules.get("keras.src.backend.tensorflow.trainer")
    trainer = getattr(module, "TensorFlowTrainer", None)
    code = getattr(getattr(trainer, "_maybe_symbolic_build", None), "__code__", None)
    return code is not None and any(
        frame.f_code is code
        for last in sys._current_frames().values()
        for frame, _ in traceback.walk_stack(last)
    )
