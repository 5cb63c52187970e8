"""Epochs that are made while they are read.

May import `recipes` and what is below it; knows no builder.

From `tfds.load` to pixels, always downwards:

    builders/configs.py          the config's name -> its recipe (recipes/recipe.py, grammar.py)
    builders/augmented.py        TFDS asks the builder for a split; builders/online.py makes it
    pipelines/online.py          which examples, in what order, with which engine
    pipelines/eager.py           epoch -> blocks of positions -> one call into Python for each block
    pipelines/eager_examples.py  positions -> rows of the images in memory, and their keys
    pipelines/resident.py        the images, mapped from their files (data/records/mapped.py)
    engines/numba/views.py       of several views of an example, calls an engine for those alike
    engines/numba/engine.py      goes through the stages of the plan (engines/planner.py, fusing.py)
    engines/numba/passes.py      what ops have drawn -> maps (maps.py) and strokes (pixelwise.py)
    engines/numba/kernels/       maps and strokes -> pixels (render.py; methods.py says how)

With `engine="graph"`, `pipelines/graph.py` and `graph_examples.py` take the places of `eager.py`
and `eager_examples.py`, `engines/tensorflow/engine.py`, `maps.py`, `resampling.py` and
`pixelwise.py` those of the last three.

`Loader` (builders/loader.py, visiting.py) needs no TensorFlow: `loading.py` and `numpy_batches.py`
take the place of `eager.py`, and `stored_batches.py` has both ways to read the prepared files. Its
examples by number are in `map_dataset.py`; frozen ones come from frozen/loading.py.
"""
