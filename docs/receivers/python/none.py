"""authType NONE: nothing to check. Only for a receiver that nobody else can reach."""

from receiver import serve


def accepted(headers, body):
    return True


serve(accepted)
