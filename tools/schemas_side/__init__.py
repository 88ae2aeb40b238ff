"""What runs inside the environment `schemas`, which has the library jsonschema."""
