"""Where the images come from: archives, folders, downloads."""
