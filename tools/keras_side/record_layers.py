"""Records how this environment's Keras writes layers of every class, and a few graphs.

Writes `<generation>.json` into the folder: by the names of the catalogue, `inputs` (shapes) and
`entry`, the layer's object in an archive's configuration; under `models`, whole archives'
configurations without `compile_config`. Described in `Fixtures/README.md`.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import zipfile
from pathlib import Path
from typing import Any

from keras_side import matrix_models
from keras_side.generation import Generation, current
from keras_side.layer_catalogue import CATALOGUE, model

MODELS = ("nested_functional", "shared_layer")
SIMILAR = frozenset(
    "AveragePooling2D AveragePooling3D MaxPooling1D MaxPooling2D MaxPooling3D "
    "GlobalAveragePooling2D GlobalAveragePooling3D GlobalMaxPooling1D GlobalMaxPooling3D "
    "Cropping2D Cropping3D UpSampling1D UpSampling3D ZeroPadding3D Subtract Multiply Average "
    "Maximum Minimum ConvLSTM1D ConvLSTM3D Conv3D SpatialDropout1D SpatialDropout3D "
    "Conv1DTranspose SeparableConv2D DepthwiseConv1D TextVectorization GlobalMaxPooling2D "
    "RandomBrightness RandomCrop RandomRotation RandomTranslation GaussianDropout UpSampling2D "
    "ZeroPadding2D Conv1D".split())
"""Written as another class of the catalogue is, but for the name."""
SIMILAR_OPTIONS = ("GRUCell", "SimpleRNNCell", "before", "two", "options")


def configuration(generation: Generation, built: Any) -> dict[str, Any]:
    """`config.json` of an archive of the model, without what differs from run to run."""
    with tempfile.TemporaryDirectory() as folder:
        archive = str(Path(folder, "m.keras"))
        options = {"save_format": "keras_v3"} if generation.family == "keras2" else {}
        built.save(archive, **options)
        with zipfile.ZipFile(archive) as members:
            written = json.loads(members.read("config.json"))
    written.pop("compile_config", None)
    return without_identities(written)


def without_identities(value: Any) -> Any:
    """Keras numbers shared objects by their addresses."""
    if isinstance(value, dict):
        return {key: without_identities(each) for key, each in value.items()
                if key != "shared_object_id"}
    return [without_identities(each) for each in value] if isinstance(value, list) else value


def record(generation: Generation) -> dict[str, Any]:
    """All of one generation."""
    layers: dict[str, Any] = {}
    for name, entry in CATALOGUE.items():
        if name in SIMILAR or " " in name and name.split()[1] in SIMILAR_OPTIONS:
            continue
        generation.keras.backend.clear_session()
        written = configuration(generation, model(generation.keras, entry))["config"]["layers"][-1]
        del written["inbound_nodes"]
        layers[name] = {"inputs": [[None, *shape] for shape in entry.shapes], "entry": written}
    models: dict[str, Any] = {}
    for name in MODELS:
        generation.keras.backend.clear_session()
        models[name] = configuration(generation, getattr(matrix_models, name)(generation))
    return {"layers": layers, "models": models}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, required=True)
    arguments = parser.parse_args()
    generation = current()
    file = arguments.folder / f"{generation.name}.json"
    recorded = record(generation)
    file.parent.mkdir(parents=True, exist_ok=True)
    lines = ",\n".join(f"{json.dumps(name)}: {json.dumps(each)}"
                       for name, each in recorded["layers"].items())
    models = ",\n".join(f"{json.dumps(name)}: {json.dumps(each)}"
                        for name, each in recorded["models"].items())
    file.write_text(f'{{"layers": {{\n{lines}}},\n"models": {{\n{models}}}}}\n', "utf-8")
    print(f"{file}: {len(recorded['layers'])} layers, {len(recorded['models'])} models")
    return 0


if __name__ == "__main__":
    sys.exit(main())
