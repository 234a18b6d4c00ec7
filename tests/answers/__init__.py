"""Wrong answers as students write them: pieces to splice into the reference."""
