"""A module that can't be imported: whoever wrote it made a mistake."""

NUMBER = 1 // 0
