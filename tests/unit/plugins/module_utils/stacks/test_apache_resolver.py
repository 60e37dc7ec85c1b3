# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Includes, conditions, variables and macros."""

from __future__ import annotations

import re

import pytest

from ansible_collections.encryption.in_transit.plugins.module_utils.errors import ConfigurationError
from ansible_collections.encryption.in_transit.plugins.module_utils.stacks.apache import resolver
from ansible_collections.encryption.in_transit.tests.unit.plugins.module_utils.stacks.apache_tools import (
    APACHE,
    MAIN,
    ROOT,
    Case,
    instance,
)


def names(case):
    """What the main server holds, by the argument of the directive Mark."""
    main = resolver.resolve(case.instance, case.documents).main
    return [" ".join(item.args) for item in main.own("mark")]


def test_patterns_are_read_in_byte_order_without_dot_files_and_folders_to_their_bottom():
    files = {
        MAIN: "Include sites/*.conf\nIncludeOptional none/*.conf\nIncludeOptional missing.conf\nInclude all\nMark end",
        f"{ROOT}/sites/b.conf": "Mark b",
        f"{ROOT}/sites/B.conf": "Mark B",
        f"{ROOT}/sites/.hidden.conf": "Mark hidden",
        f"{ROOT}/sites/a.conf~": "Mark backup",
        f"{ROOT}/all/x/y": "Mark y",
        f"{ROOT}/all/a": "Mark a",
    }
    case = Case(files)
    assert names(case) == ["B", "b", "a", "y", "end"]
    assert case.documents[0].path == MAIN


def test_a_link_is_known_by_the_file_behind_it():
    files = {MAIN: "Include enabled/*.conf\nInclude enabled/*.conf", f"{ROOT}/available/a": "Mark a"}
    case = Case(files, links={f"{ROOT}/enabled/a.conf": f"{ROOT}/available/a"})
    assert [document.path for document in case.documents] == [MAIN, f"{ROOT}/available/a"]
    assert names(case) == ["a", "a"]


def test_server_root_moves_what_is_relative():
    files = {MAIN: "ServerRoot /srv/httpd\nInclude conf/*.conf", "/srv/httpd/conf/a.conf": "Mark a"}
    assert names(Case(files)) == ["a"]


@pytest.mark.parametrize(
    "text, line, words",
    [
        ("A\nInclude missing.conf", 2, 'the included file "/etc/apache2/missing.conf" does not exist'),
        ("Include none/*.conf", 1, "matches no file"),
        ("Include apache2.conf", 1, "one of them includes itself"),
        ("Include", 1, "takes one path, 0 are given"),
        ("Use nothing", 1, 'the macro "nothing" is not defined'),
        ("<Macro A $x>\nMark $x\n</Macro>\nUse A", 4, "takes 1 arguments, 0 are given"),
        ("<Macro A>\nUse A\n</Macro>\nUse A", 2, "macros use each other without end"),
    ],
)
def test_errors_name_the_place(text, line, words):
    with pytest.raises(ConfigurationError, match=re.escape(words)) as caught:
        Case(text)
    assert (caught.value.file, caught.value.line) == (MAIN, line)


def test_a_main_file_that_is_not_there():
    with pytest.raises(ConfigurationError, match=r"/x\.conf: cannot be read: No such file"):
        APACHE.read(Case("").host, instance(config="/x.conf"))


@pytest.mark.parametrize(
    "condition, holds",
    [
        ("IfModule ssl_module", True),
        ("IfModule mod_ssl.c", True),
        ("IfModule mod_ssl", False),
        ("IfModule MOD_SSL.C", False),
        ("IfModule !mod_ssl.c", False),
        ("IfModule !mod_gnutls.c", True),
        ("IfModule rewrite_module", True),
        ("IfModule mod_rewrite.c", True),
        ("IfModule event.c", True),
        ("IfModule mpm_event_module", True),
        ("IfDefine SET", True),
        ("IfDefine STARTED", True),
        ("IfDefine !SET", False),
        ("IfDefine NOT_SET", False),
        ("IfVersion >= 2.4.42", True),
        ("IfVersion 2.4.68", True),
        ("IfVersion = 2.4", False),
        ("IfVersion > 2.4", True),
        ("IfVersion !< 2.4.68", True),
        (r"IfVersion ~ ^2\.4\.[6-9]", True),
        (r"IfVersion /^2\.2/", False),
        ("IfFile present", True),
        ("IfFile absent", False),
        ("IfFile !absent", True),
        ("IfDirective SSLProtocol", True),
    ],
)
def test_conditions(condition, holds):
    head = (
        "LoadModule rewrite_module modules/mod_rewrite.so\nLoadModule mpm_event_module m/mod_mpm_event.so\nDefine SET\n"
    )
    text = f"{head}<{condition}>\n<IfModule core.c>\nMark a\n</IfModule>\n</{condition.split()[0]}>\n"
    case = Case({MAIN: text, f"{ROOT}/present": ""}, defines=["STARTED"])
    assert names(case) == (["a"] if holds else [])


def test_conditions_see_what_was_read_before_them_only():
    text = "<IfDefine X>\nMark early\n</IfDefine>\nDefine X\n<IfDefine X>\nMark late\n</IfDefine>\n"
    assert names(Case(text)) == ["late"]


def test_variables_of_the_environment_and_the_command_line():
    text = 'Mark ${APACHE_X} ${GIVEN} ${NOPE}\nDefine WORDS "a b"\nMark ${WORDS}\nInclude ${APACHE_X}.conf\n'
    case = Case({MAIN: text, f"{ROOT}/env.conf": "Mark inc"}, environment={"APACHE_X": "env"}, defines=["GIVEN=1"])
    assert names(case) == ["env 1 ${NOPE}", "a b", "inc"]


def test_the_longer_of_two_parameters_is_meant_and_macros_may_use_macros():
    text = (
        "<Macro Inner $a $ab>\nMark $a/$ab\n</Macro>\n"
        "<Macro Outer %x>\nUse Inner %x second\n</Macro>\n"
        "USE outer first\nUndefMacro Inner\n"
    )
    assert names(Case(text)) == ["first/second"]


def test_one_macro_makes_hosts_of_their_own_from_the_same_lines():
    text = "<Macro H $n>\n<VirtualHost *:443>\nServerName $n\n</VirtualHost>\n</Macro>\nUse H a\nUse H b\n"
    case = Case(text)
    hosts = resolver.resolve(case.instance, case.documents).main.hosts
    assert [one.own("servername")[0].args for one in hosts] == [["a"], ["b"]]
    assert len({id(one.own("servername")[0].directive) for one in hosts}) == 1


def test_macros_that_multiply_are_stopped(monkeypatch):
    monkeypatch.setattr(resolver, "_STATEMENTS_MAX", 10_000)
    levels = "<Macro M0>\nMark x\n</Macro>\n"
    for level in range(1, 8):
        levels += f"<Macro M{level}>\n" + f"Use M{level - 1}\n" * 10 + "</Macro>\n"
    with pytest.raises(ConfigurationError, match="multiply the configuration"):
        Case(levels + "Use M7\n")
