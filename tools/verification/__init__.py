"""The interchange checks of `verify_with_keras.py`; the standard library alone."""
