"""What Airflow reads of this package through its ``apache_airflow_provider`` entry point.

Read by every Airflow command, so it imports nothing. The fields' names and defaults are those of EdFiConfig.
"""

from __future__ import annotations

from typing import Any

FIELD_BEHAVIOUR: dict[str, Any] = {
    "hidden_fields": ["schema"],
    "relabeling": {"host": "Base URL", "login": "Key", "password": "Secret"},
    "placeholders": {
        "host": "https://ods.example.gov/api",
        "login": "the key (client id) that the Ed-Fi host gave you",
        "password": "its secret",
        "port": "443, or what the Base URL says: the test button needs it",
    },
}
"""What the form makes of a connection's usual fields, as Airflow 3.1 has the names."""


def get_provider_info() -> dict[str, Any]:
    """Provider metadata with the connection type ``edfi`` and its form (conn-fields: Airflow 3.2+)."""
    return {
        "package-name": "edfi-cte",
        "name": "Ed-Fi",
        "description": "Ed-Fi ODS/API and Data Management Service: hook, operators, and the Missouri CTE sync.",
        "integrations": [
            {
                "integration-name": "Ed-Fi",
                "external-doc-url": "https://docs.ed-fi.org/",
                "tags": ["service"],
            }
        ],
        "hooks": [{"integration-name": "Ed-Fi", "python-modules": ["edfi_cte.hooks.edfi"]}],
        "operators": [{"integration-name": "Ed-Fi", "python-modules": ["edfi_cte.operators.edfi"]}],
        "config": {
            "edfi_cte": {
                "description": "The Student CTE Program Associations sync.",
                "options": {
                    "settings_file": {
                        "description": "Path of the settings file; by default include/edfi_cte.yaml beside the "
                        "DAGs folder.",
                        "version_added": "0.1.0",
                        "type": "string",
                        "example": "/opt/airflow/include/edfi_cte.yaml",
                        "default": None,
                    }
                },
            }
        },
        "connection-types": [
            {
                "connection-type": "edfi",
                "hook-class-name": "edfi_cte.hooks.edfi.EdFiHook",
                "hook-name": "Ed-Fi",
                "ui-field-behaviour": {name.replace("_", "-"): value for name, value in FIELD_BEHAVIOUR.items()},
                "conn-fields": _CONNECTION_FIELDS,
            }
        ],
    }


def _field(label: str, description: str, kind: str, **schema: Any) -> dict[str, Any]:
    return {"label": label, "description": description, "schema": {"type": [kind, "null"], **schema}}


_CONNECTION_FIELDS = {
    "school_year": _field(
        "School year",
        "The ending year (2026 = 2025-26). Needed where the API's addresses hold a year.",
        "integer",
        minimum=1990,
        maximum=2100,
    ),
    "tenant": _field("Tenant", "Fills {tenantIdentifier} in a multi-tenant API's addresses.", "string"),
    "instance": _field("Instance", "Fills {instance} in an instance-year-specific API's addresses.", "string"),
    "route": _field(
        "Further route values",
        'Fills other placeholders by their names, as a JSON object: {"districtId": "39141"}.',
        "object",
    ),
    "data_url": _field(
        "Data URL", "The data's full address, ending in /data/v3, where discovery is blocked.", "string", format="uri"
    ),
    "token_url": _field(
        "Token URL", "The full address of oauth/token, where discovery is blocked.", "string", format="uri"
    ),
    "verify_tls": _field(
        "Verify TLS", "Off accepts any certificate: for a test network only.", "boolean", default=True
    ),
    "ca_bundle": _field(
        "CA bundle",
        "The path, on every worker, of a PEM file with the authorities to trust in place of the system's. Empty: "
        "REQUESTS_CA_BUNDLE, SSL_CERT_FILE or the system's.",
        "string",
    ),
    "client_cert": _field(
        "Client certificate", "The path, on every worker, of a PEM file to show to the API, where it asks.", "string"
    ),
    "client_key": _field("Client key", "The path of its key, where that is not in the same file.", "string"),
    "proxy": _field(
        "Proxy",
        "http://user:password@proxy.example.gov:3128. Empty: what HTTPS_PROXY and NO_PROXY say; none: no proxy.",
        "string",
        format="password",
    ),
    "allow_http": _field(
        "Allow plain http",
        "On lets the secret and students' data go out unencrypted to another host.",
        "boolean",
        default=False,
    ),
    "page_size": _field(
        "Page size", "Items a page when reading; empty is as many as the API allows.", "integer", minimum=2
    ),
    "concurrency": _field(
        "Concurrency",
        "The most requests in flight; fewer when the API is slow or says so.",
        "integer",
        minimum=1,
        maximum=200,
        default=16,
    ),
    "tries": _field(
        "Tries", "How often a request is sent before its error counts.", "integer", minimum=1, maximum=20, default=6
    ),
    "connect_timeout": _field("Connect timeout", "Seconds to connect, each try.", "number", default=10),
    "read_timeout": _field("Read timeout", "Seconds between two reads, each try.", "number", default=60),
    "total_timeout": _field("Total timeout", "Seconds in all, each try.", "number", default=120),
}
