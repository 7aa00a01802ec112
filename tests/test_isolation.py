import os
import socket

import pytest


@pytest.mark.parametrize(
    "host", ["192.0.2.1", "2001:db8::1", "api.kaggle.com", "localhost.example"]
)
def test_no_test_can_leave_this_machine(host: str) -> None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with (
        socket.socket(family) as outside,
        pytest.raises(pytest.fail.Exception, match="stay on 127"),
    ):
        outside.connect((host, 443))


def test_no_credential_of_the_person_is_in_the_environment() -> None:
    assert {name for name in os.environ if name.startswith("KAGGLE_")} == {
        "KAGGLE_API_ENVIRONMENT",
        "KAGGLE_CONFIG_DIR",
    }
