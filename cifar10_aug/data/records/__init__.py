"""Examples as bytes in files: TFRecord and ArrayRecord."""
