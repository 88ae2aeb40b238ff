"""What runs inside the virtual environments, next to real Keras.

Each module with a `main` is started by `keras_environments.run`; nothing here is imported by the
scripts outside, which need only the standard library.
"""
