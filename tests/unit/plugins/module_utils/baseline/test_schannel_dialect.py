# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

import pytest

from ansible_collections.encryption.in_transit.plugins.module_utils.baseline import model
from ansible_collections.encryption.in_transit.plugins.module_utils.baseline.dialects import schannel
from ansible_collections.encryption.in_transit.plugins.module_utils.baseline.profiles import PROFILES
from ansible_collections.encryption.in_transit.plugins.module_utils.errors import BaselineError

BUILDS = (schannel.SERVER_2016, schannel.SERVER_2019, schannel.SERVER_2022, schannel.SERVER_2025)


@pytest.mark.parametrize("build", BUILDS)
@pytest.mark.parametrize("profile", [name for name in PROFILES if name != "modern"])
def test_what_is_left_of_a_profile_can_be_written_and_read_again(profile: str, build: int) -> None:
    clamped, _clamps = model.clamp(model.load(profile), schannel.capabilities(build))
    names = (*clamped.suites_tls13, *clamped.suites_tls12)
    order = schannel.suite_order(names)
    assert len(order) <= schannel.SUITE_ORDER_MAX
    assert " " not in order
    assert schannel.parse_suite_order(order) == names
    assert schannel.parse_curves(schannel.curves(clamped.groups)) == clamped.groups
    assert ("TLS_AES_" in order) is ("TLSv1.3" in clamped.protocols) is (build >= schannel.SERVER_2022)


def test_a_profile_of_tls13_only_is_an_error_before_server_2022() -> None:
    with pytest.raises(BaselineError, match=r"Schannel 10\.0\.17763 does not know TLSv1\.3"):
        model.clamp(model.load("modern"), schannel.capabilities(schannel.SERVER_2019))


def test_suffixes_of_old_versions_are_the_curve_and_no_part_of_the_name() -> None:
    old = "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA384_P256, TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA384_P384,,X_P255"
    assert schannel.parse_suite_order(old) == ("TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA384", "X_P255")


@pytest.mark.parametrize(
    ("render", "names", "words"),
    [
        (schannel.suite_order, ["TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256"], "not a cipher suite of Schannel"),
        (schannel.suite_order, [], "name at least one suite"),
        (schannel.curves, ["X25519MLKEM768"], "not a curve of Schannel"),
        (schannel.curves, [], "name at least one curve"),
    ],
)
def test_what_schannel_does_not_know_is_an_error(render: object, names: list[str], words: str) -> None:
    with pytest.raises(BaselineError, match=words):
        render(names)  # type: ignore[operator]


def test_bits_of_winhttp() -> None:
    # The two values that KB3140245 and its successors give.
    assert schannel.secure_protocols(["TLSv1.2"]) == 0x800
    assert schannel.secure_protocols(["TLSv1.2", "TLSv1.3"]) == 0x2800
    assert schannel.parse_secure_protocols(0xA00) == ("TLSv1.1", "TLSv1.2")


def test_defaults_never_leave_out_a_protocol_the_build_speaks() -> None:
    assert schannel.default_protocols(9600)[0] == "SSLv2"
    assert schannel.default_protocols(schannel.SERVER_2019) == ("TLSv1.0", "TLSv1.1", "TLSv1.2")
    assert schannel.default_protocols(schannel.SERVER_2022)[-1] == "TLSv1.3"
