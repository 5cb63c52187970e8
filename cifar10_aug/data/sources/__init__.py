"""Where the images come from: archives, folders, TFDS, a download, or the code itself."""
