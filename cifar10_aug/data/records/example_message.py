"""`tf.train.Example` as protobuf knows it, without TensorFlow or TFDS, which take long to import.

Fields and their numbers are those of `tensorflow/core/example/feature.proto` and `example.proto`.
"""

from __future__ import annotations

from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

_PACKAGE = "cifar10_aug"
_Field = descriptor_pb2.FieldDescriptorProto


def _add(message: Any, number: int, name: str, kind: Any, **kwargs: Any) -> None:
    """Adds a field; its kind is one of protobuf's own, or another message's name."""
    if isinstance(kind, str):
        kwargs["type_name"], kind = f".{_PACKAGE}.{kind}", _Field.TYPE_MESSAGE
    label = kwargs.pop("label", _Field.LABEL_OPTIONAL)
    message.field.add(name=name, number=number, type=kind, label=label, **kwargs)


def _message() -> Any:
    file = descriptor_pb2.FileDescriptorProto(
        name=f"{_PACKAGE}/example.proto", package=_PACKAGE, syntax="proto3"
    )
    feature = descriptor_pb2.DescriptorProto(name="Feature")
    feature.oneof_decl.add(name="kind")
    kinds = {"bytes": _Field.TYPE_BYTES, "float": _Field.TYPE_FLOAT, "int64": _Field.TYPE_INT64}
    for number, (name, kind) in enumerate(kinds.items(), 1):
        values = file.message_type.add(name=f"{name.title()}List")
        _add(values, 1, "value", kind, label=_Field.LABEL_REPEATED)
        _add(feature, number, f"{name}_list", values.name, oneof_index=0)
    file.message_type.append(feature)
    features = file.message_type.add(name="Features")
    _add(features, 1, "feature", "Features.FeatureEntry", label=_Field.LABEL_REPEATED)
    entry = features.nested_type.add(name="FeatureEntry")
    entry.options.map_entry = True
    _add(entry, 1, "key", _Field.TYPE_STRING)
    _add(entry, 2, "value", "Feature")
    _add(file.message_type.add(name="Example"), 1, "features", "Features")
    # A separate pool, in which no other library can have the same names.
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName(f"{_PACKAGE}.Example"))


# The class of messages, as protobuf makes it.
Example: Any = _message()
