"""The ways a request can fail, before a dialect puts them into its own words (see `wording`)."""

from __future__ import annotations

from enum import StrEnum

Problems = dict[str, list[str]]
"""What is wrong where: JSON path to messages."""


class Kind(StrEnum):
    """Each refusal that edfi-api clients can meet; the facts that each carries are in its comment."""

    # the caller
    UNAUTHENTICATED = "no valid bearer token"  # reason
    NO_CLAIM = "the claim set lacks the resource"  # claim_set, claims, action, verb
    NO_ACTION = "the claim set lacks the action"  # claim_set, claims, action, verb
    NO_RELATIONSHIP = "no relationship with the caller's education organizations"  # claims, subject, hint
    NO_STUDENT = "the student named is not in the ODS"  # ids
    NO_PERSON = "the student of an enrollment is not in the ODS"  # person
    NO_VALUE = "a value that authorization asks for is missing"  # name
    NO_ORGANIZATION = "the education organization named is not in the ODS"  # id
    OTHER_ORGANIZATION = "an education organization that is not the caller's"  # name
    CLAIM_OF_ANOTHER_KIND = "the caller's education organizations are below the one named"  # message
    NO_CLAIM_VALUES = "the caller has no education organizations"
    ELEMENT_REQUIRED = "what authorization asks for does not exist"  # values, names, hint
    WRONG_NAMESPACE = "a descriptor of a namespace that isn't the caller's"  # prefixes, namespace
    TOKEN_CLIENT = "token request of an unknown client"  # noqa: S105
    TOKEN_REQUEST = "token request that makes no sense"  # message  # noqa: S105
    TOO_MANY_TOKENS = "more live tokens than a client may hold"  # limit
    TOKEN_INFO = "token_info without a usable token"  # noqa: S105
    TOKEN_INFO_UNKNOWN = "token_info of a token that isn't known"  # noqa: S105
    TOKEN_INFO_FOREIGN = "token_info of another client's token"  # noqa: S105
    # the request
    UNKNOWN_ROUTE = "no such path"
    METHOD = "the method isn't supported here"  # message, allow
    MEDIA_TYPE = "content type not supported"  # message
    EMPTY_BODY = "no body"
    MALFORMED_BODY = "the body isn't JSON"  # message
    PARAMETER = "a query parameter is wrong"  # message, messages
    CHANGE_PARAMETER = "a query parameter of a change query is wrong"  # message, messages
    QUERY_FIELD = "a query parameter that the resource doesn't have"  # message, messages
    ID_IN_BODY = "the client assigned an id"
    ID_MISMATCH = "the body's id isn't the URL's"
    MALFORMED_ID = "the id in the URL isn't a GUID"  # id
    BINDING = "a property has the wrong type"  # problems
    INVALID = "validation failed"  # entity, problems
    UNKNOWN_DESCRIPTOR = "a descriptor isn't known"  # uri, descriptor
    UNKNOWN_DESCRIPTORS = "descriptors aren't known, nor perhaps references"  # problems
    SNAPSHOT_MISSING = "no such snapshot"
    SNAPSHOT_WRITE = "a write to a snapshot"
    # the data
    UNRESOLVED_REFERENCE = "a referenced item does not exist"  # entity, resource, problems
    KEY_CHANGE = "a PUT would change the natural key"  # entity
    NOT_UNIQUE = "the key belongs to another item"  # entity, table, names, values, key_values
    DEPENDENT = "other items depend on it"  # entity (the dependent)
    NOT_FOUND = "no item with this id"  # entity
    NOT_FOUND_UPDATE = "no item to update"
    NOT_FOUND_DELETE = "no item to delete"
    PRECONDITION = "the item is not the version named"
    PRECONDITION_MISSING = "a precondition on an item that isn't there"
    PRECONDITION_EXISTS = "create-only, and the item exists"
    # the server
    SYSTEM = "an unexpected fault"
    TOO_MANY_REQUESTS = "rate limited"
    BAD_GATEWAY = "the identity provider is down"
    UNAVAILABLE = "temporarily unavailable"


class Failure(Exception):
    """A request refused. `facts` fill the dialect's sentence; `problems` (path to messages) is one of them."""

    def __init__(self, kind: Kind, **facts: object) -> None:
        super().__init__(kind.value)
        self.kind = kind
        self.facts = facts
