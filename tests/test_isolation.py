import os
import socket
import warnings

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


@pytest.mark.parametrize("category", [DeprecationWarning, FutureWarning])
def test_only_torchs_own_warnings_of_torch_jit_are_let_pass(category: type[Warning]) -> None:
    def warn(words: str, module: str) -> None:
        warnings.warn_explicit(words, category, f"{module}.py", 1, module=module)

    words = "`torch.jit.script_method` is deprecated. Please switch to `torch.compile`."
    warn(words, "torch.jit._script")
    warn(words, "torch.utils.mkldnn")
    for other, module in ((words, "common.models.backbone"), ("old name", "torch.nn.functional")):
        with pytest.raises(category):
            warn(other, module)
