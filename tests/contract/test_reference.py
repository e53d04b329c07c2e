"""The generated documents name every method, field and event of the contracts."""

import pytest
from google.protobuf.descriptor import Descriptor

from perpmesh.cli import reference
from perpmesh.platform import contracts

API = reference.api_reference()
SECTIONS = {section.split(maxsplit=1)[0]: section for section in API.split("\n#### ")}


def messages() -> list[Descriptor]:
    return [
        message
        for module in contracts.generated_modules("*_pb2.py")
        for message in module.DESCRIPTOR.message_types_by_name.values()
    ]


@pytest.mark.parametrize("message", messages(), ids=lambda message: message.full_name)
def test_every_field_is_described(message: Descriptor) -> None:
    for field in message.fields:
        assert f"| `{field.name}` |" in SECTIONS[message.name]


def test_every_method_is_described() -> None:
    for module in contracts.generated_modules("*_service_pb2.py"):
        for service in module.DESCRIPTOR.services_by_name.values():
            assert f"### {service.name}" in API
            for method in service.methods:
                assert method.name in SECTIONS


def test_every_event_is_described() -> None:
    text = reference.event_schema()
    for kind in contracts.catalogue():
        assert f"## {kind}" in text


@pytest.mark.parametrize("contract", contracts.catalogue().values(), ids=lambda contract: contract.type)
def test_an_event_has_the_key_its_contract_names(contract: contracts.EventContract) -> None:
    assert contract.key in contract.message.DESCRIPTOR.fields_by_name
