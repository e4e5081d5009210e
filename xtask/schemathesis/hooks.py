"""What schemathesis cannot read from the document: which ids the shop has, and what only a server can give."""

import itertools
import zlib

import schemathesis

# The shop of crates/comanda/tests/shop.json has these; the document's examples name them.
IDS = {
    "sku": "TEA-01",
    "locationId": "berlin",
    "reservationId": "cart-7",
    "receiptId": "po-17",
    "transferId": "move-7",
    "countId": "count-7",
    "orderId": "order-7",
    "pickListId": "order-7~1~main",
    "taskId": "1",
    "waveId": "wave-7",
    "shipmentId": "shipment-7",
    "returnId": "return-7",
    "webhookId": "erp",
    "name": "stock",
}

# Opaque: any text fits the description, and only one that an answer carried is taken.
ONLY_FROM_AN_ANSWER = {"cursor", "after", "Consistency-Token"}

TAKES_A_KEY = {"Idempotency-Key"}
KEYS = itertools.count()


def is_positive(case):
    return case.meta is not None and case.meta.generation.mode.is_positive


def written_whole(value):
    """JSON Schema counts 5.0 among the integers; the document says that whole numbers are written without a fraction."""
    if isinstance(value, dict):
        return {name: written_whole(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [written_whole(inner) for inner in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


@schemathesis.hook
def before_call(ctx, case, kwargs):
    """Half of the well-formed requests are about what there is: made-up ids alone would only ever meet 404."""
    if not is_positive(case):
        return
    if isinstance(case.body, (dict, list)):
        case.body = written_whole(case.body)
    if isinstance(case.body, dict) and case.operation.path.startswith("/v1/counts"):
        # Who counts is told from the key: a body that names somebody else is refused, which no schema can say.
        case.body.pop("by", None)
    for name, value in list((case.path_parameters or {}).items()):
        if name in IDS and zlib.crc32(str(value).encode()) % 2 == 0:
            case.path_parameters[name] = IDS[name]
    if TAKES_A_KEY & {parameter.name for parameter in case.operation.headers}:
        # One request's own: repeated by chance, with another request, it is refused.
        case.headers["Idempotency-Key"] = f"key-{next(KEYS)}"
    for container in (case.query, case.headers):
        for name in list(container or {}):
            if name in ONLY_FROM_AN_ANSWER:
                del container[name]
