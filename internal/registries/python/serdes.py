"""Reads and writes events with Confluent's serializers.

Each line of standard input is "read TOPIC HEX" or "write TOPIC JSON ENCODING"; the answer to the
first is the event as JSON, to the second the record's value in hexadecimal. Classes of Protobuf are
made of DESCRIPTOR, as protoc makes them of the file; Avro's schemas are taken from the registry.
"""

import base64
import json
import os
import sys
from datetime import datetime

from confluent_kafka.schema_registry import Schema, SchemaRegistryClient
from confluent_kafka.schema_registry.avro import AvroDeserializer, AvroSerializer
from confluent_kafka.schema_registry.protobuf import ProtobufDeserializer, ProtobufSerializer
from confluent_kafka.serialization import MessageField, SerializationContext
from google.protobuf import descriptor_pb2, descriptor_pool, json_format, message_factory, timestamp_pb2

client = SchemaRegistryClient({"url": os.environ["REGISTRY"]})
MESSAGES = {"sightings": "Sighting", "crossings": "Crossing", "visits": "Visit"}


def protobuf_class(topic):
    file = descriptor_pb2.FileDescriptorProto.FromString(base64.b64decode(os.environ["DESCRIPTOR"]))
    pool = descriptor_pool.DescriptorPool()
    pool.AddSerializedFile(timestamp_pb2.DESCRIPTOR.serialized_pb)
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName(f"{file.package}.{MESSAGES[topic]}"))


def plain(value):
    """Returns a value of Avro as JSON has it."""
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, dict):
        return {k: plain(v) for k, v in value.items()}
    if isinstance(value, list):
        return [plain(v) for v in value]
    return value


def read(topic, value):
    context = SerializationContext(topic, MessageField.VALUE)
    schema_id = int.from_bytes(value[1:5], "big")
    if client.get_schema(schema_id).schema_type == "AVRO":
        return plain(AvroDeserializer(client)(value, context))
    message = ProtobufDeserializer(protobuf_class(topic), {"use.deprecated.format": False})(value, context)
    return json_format.MessageToDict(message, preserving_proto_field_name=True)


def write(topic, event, encoding):
    context = SerializationContext(topic, MessageField.VALUE)
    if encoding == "avro":
        latest = client.get_latest_version(f"{topic}-value")
        for name in list(event):
            if name.endswith("_at") and event[name] is not None:
                event[name] = datetime.fromisoformat(event[name])
        schema = json.loads(latest.schema.schema_str)
        schema["fields"].append({"name": "site", "type": "string", "default": ""})  # a version of our own
        event["site"] = "home"
        return AvroSerializer(client, json.dumps(schema), conf={"auto.register.schemas": True})(event, context)
    cls = protobuf_class(topic)  # it registers the descriptor in base64
    return ProtobufSerializer(cls, client, {"use.deprecated.format": False})(json_format.ParseDict(event, cls()), context)


for line in sys.stdin:
    command, topic, rest = line.rstrip("\n").split(" ", 2)
    if command == "read":
        print(json.dumps(read(topic, bytes.fromhex(rest))), flush=True)
    else:
        text, encoding = rest.rsplit(" ", 1)
        print(write(topic, json.loads(text), encoding).hex(), flush=True)
