"""What Schemathesis makes up from the contract: the service stands it, and its answers keep their schemas."""

from conformance.requirement import requirement


def reported(faults, evidence):
    """Raise ``AssertionError`` with the first fault and the number of operations that have one; keep them all."""
    if faults:
        evidence("curl.sh", "".join(f"# {fault.operation}: {fault.what}\n{fault.curl}\n\n" for fault in faults))
    assert not faults, f"{len(faults)} operations, such as {faults[0]}"


@requirement("META-850", level="SHOULD", needs={"metadata"}, profile="full")
def test_allowed_input_is_no_server_error(fuzz, evidence):
    """Input that the contract allows is never answered with 5xx.

    Why: the client gives up on 500 at once. The Netflix service answers it to registrations below a run that
    is missing and to names with some characters (metaflow-service: postgres_async_db.py, get_run_ids).
    """
    reported(fuzz.no_server_errors(allowed=True), evidence)


@requirement("META-851", level="SHOULD", needs={"metadata"}, profile="full")
def test_malformed_input_is_no_server_error(fuzz, evidence):
    """Input that the contract does not allow is answered with 4xx at most, never with 5xx.

    Why: a 5xx tells monitoring that the service is broken, and who sent it nothing. The Netflix service answers
    500 to a body that is no JSON (metaflow-service: services/utils/__init__.py, read_body).
    """
    reported(fuzz.no_server_errors(allowed=False), evidence)


@requirement("META-852", level="SHOULD", needs={"metadata"}, profile="full")
def test_answers_keep_their_schemas(fuzz, evidence):
    """Answers to input that the contract allows keep its schemas, whatever names and values are in it.

    Why: a name with a quote or an emoji in it must not change the form of an answer.
    """
    reported(fuzz.schemas_kept(), evidence)
